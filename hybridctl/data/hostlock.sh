# One run at a time on a host. Arguments: ACTION (take, release, look), FOLDER, OWNER (one line), and for take the line
# of an owner whose lock may be broken. The folder lies in /run, so that a reboot clears it. What looks and writes is
# done under flock, and the lock appears with its whole content by a rename. Exit status 75: somebody else has it.
set -u
action=$1 folder=$2 owner=$3 broken=${4-}
lock=$folder/lock

holder() { cat "$lock" 2>/dev/null || true; }

refuse() {
  echo "locked by $1" >&2
  exit 75
}

if [ "$action" = look ]; then
  held=$(holder)
  [ -z "$held" ] || refuse "$held"
  exit 0
fi

umask 022
mkdir -p "$folder" || exit 1
exec 9>>"$folder/guard"
flock -w 20 9 || { echo "$folder/guard: another process has held it for 20 s" >&2; exit 1; }
held=$(holder)
case $action in
  take)
    [ -z "$held" ] || [ "$held" = "$owner" ] || [ "$held" = "$broken" ] || refuse "$held"
    printf '%s\n' "$owner" >"$lock.new" && mv -f "$lock.new" "$lock"
    ;;
  release)
    # Broken by somebody else in the meantime: theirs stays.
    [ "$held" != "$owner" ] || rm -f "$lock"
    ;;
  *)
    echo "unknown action $action" >&2
    exit 2
    ;;
esac
