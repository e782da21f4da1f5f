# Reads the state of a host for `hybridctl doctor`; changes nothing. Ansible runs it through /bin/sh after a line that
# sets $interpreter. Each fact is one line: hd, its name, its values, with tabs between. No two opening braces may stand
# together here, nor one before a hash or percent sign: Ansible would take them for a template.
export LC_ALL=C
say() { first=$1; shift; printf 'hd\t%s' "$first"; for word in "$@"; do printf '\t%s' "$word"; done; printf '\n'; }
quick() { timeout 10 "$@" 2>/dev/null; }
is_locked() {
    inode=$(quick stat -c %i "$1") && grep -q "WRITE .*:$inode [0-9]" /proc/locks 2>/dev/null
}

say begin
say started "$(date +%s.%N)"
say uid "$(id -u)"
(. /etc/os-release && say os "$ID" "$VERSION_ID" "${PRETTY_NAME:-$ID}") 2>/dev/null
say machine "$(uname -m)" "$(uname -r)"
case $interpreter in auto*) interpreter=python3 ;; esac
version=$(quick "$interpreter" -c 'import sys; print(".".join(map(str, sys.version_info[:3])))') && say python "$interpreter" "$version"
for folder in / /var; do
    quick df -Pk "$folder" | tail -n 1 | {
        read -r _ size _ free _ && say disk "$folder" "$size" "$free"
    }
done
say memory "$(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)"

# Whoever did not answer, or not to the end, has not said that there is nothing.
if ! command -v ss >/dev/null; then
    say listening missing
elif sockets=$(quick ss -Hltnp); then
    say listening known
    printf '%s\n' "$sockets" | while read -r _ _ _ local _ users; do
        [ -n "$local" ] || continue
        process=$(printf %s "$users" | sed -n 's/^users:(("\([^"]*\)".*/\1/p')
        pid=$(printf %s "$users" | sed -n 's/^[^=]*pid=\([0-9]*\).*/\1/p')
        unit=$(sed -n 's#.*/\([^/]*\.service\).*#\1#p' "/proc/${pid:-none}/cgroup" 2>/dev/null | tail -n 1)
        say listen "$local" "${process:--}" "${unit:--}"
    done
fi

if command -v dpkg >/dev/null; then
    say manager apt
    if held=$(quick apt-mark showhold); then
        say holds known
        printf '%s\n' "$held" | while read -r name; do [ -n "$name" ] && say held "$name"; done
    fi
    for file in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock; do
        is_locked "$file" && say locked "$file"
    done
elif command -v dnf >/dev/null; then
    say manager dnf
    list=/etc/dnf/plugins/versionlock.list
    if [ ! -e "$list" ]; then
        say holds known
    elif held=$(sed -n '/^[^#]/p' "$list" 2>/dev/null); then
        say holds known
        printf '%s\n' "$held" | while read -r name; do [ -n "$name" ] && say held "$name"; done
    fi
    is_locked /var/lib/rpm/.rpm.lock && say locked /var/lib/rpm/.rpm.lock
    for file in /var/cache/dnf/metadata_lock.pid /var/lib/dnf/rpmdb_lock.pid; do
        pid=$(cat "$file" 2>/dev/null) && [ -d "/proc/$pid" ] && say locked "$file"
    done
fi
for folder in /proc/[0-9]*; do
    name=$(cat "$folder/comm" 2>/dev/null) || continue
    case $name in
        apt | apt-get | aptitude | dpkg | dnf | yum | rpm | packagekitd) say packaging "$name" "$(basename "$folder")" ;;
        unattended-upgr)
            # One of them only waits for the shutdown.
            tr '\0' ' ' <"$folder/cmdline" | grep -q unattended-upgrade-shutdown || say packaging "$name" "$(basename "$folder")"
            ;;
    esac
done

[ -e "/lib/modules/$(uname -r)/build/Makefile" ] && say headers present || say headers missing
if [ ! -d /sys/firmware/efi ]; then
    say secureboot none
else
    for file in /sys/firmware/efi/efivars/SecureBoot-*; do
        value=$(quick od -An -tu1 -j4 -N1 "$file" | tr -d ' ') && say secureboot "${value:-unreadable}"
    done
fi

say proxies known
{
    env
    cat /etc/environment 2>/dev/null
} | sed -n 's/^\(export \)*\([A-Za-z]*_[Pp][Rr][Oo][Xx][Yy]\)=/\2\t/p' | sort -u | while read -r name value; do
    say proxy "$name" "$value"
done
say clock "$(date +%s.%N)"
say end
