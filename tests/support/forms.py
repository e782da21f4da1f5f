"""Texts in the form of tools of which no recording is public, written by hand, and the parser of each."""

from collections.abc import Callable
from typing import Any

from hybridctl.parsers.cpu_sysfs import read_governors, read_vulnerabilities
from hybridctl.parsers.dmidecode import read_dmidecode
from hybridctl.parsers.drives import read_nvme_log, read_smart
from hybridctl.parsers.ethtool import read_driver, read_features, read_pause, read_statistics
from hybridctl.parsers.haproxy import read_info
from hybridctl.parsers.ibv_devinfo import read_devinfo, read_gids
from hybridctl.parsers.infiniband_sysfs import read_counters, read_rates
from hybridctl.parsers.ipmi_mc import read_firmware
from hybridctl.parsers.ipmi_sel import read_sel
from hybridctl.parsers.kernel import parse_cmdline, parse_sysctl
from hybridctl.parsers.kernel_modules import read_modinfo
from hybridctl.parsers.lscpu import parse_lscpu
from hybridctl.parsers.lspci import read_lspci
from hybridctl.parsers.meminfo import parse_meminfo
from hybridctl.parsers.mlnx_qos import read_qos
from hybridctl.parsers.nccl_log import channels_of
from hybridctl.parsers.nccl_tests import read_nccl_tests
from hybridctl.parsers.numactl import read_hardware
from hybridctl.parsers.nvidia_smi_nvlink import read_nvlink_errors
from hybridctl.parsers.nvidia_smi_topo import read_topology
from hybridctl.parsers.nvidia_software import (
    library_versions,
    read_fabric_manager_version,
    read_loaded_module,
    read_toolkit,
)
from hybridctl.parsers.openssl_engine import read_engines
from hybridctl.parsers.packages import parse_dpkg_query, parse_rpm_query
from hybridctl.parsers.perftest import read_bandwidth
from hybridctl.parsers.prometheus import read_query
from hybridctl.parsers.time_sync import read_timedatectl, read_tracking

DETAILS = (
    "3b:00.0 3D controller [0302]: NVIDIA Corporation GA100 [A100 PCIe 80GB] [10de:20b5] (rev a1)\n"
    "\tCapabilities: [60] Express (v2) Endpoint, MSI 00\n"
    "\t\tLnkCap:\tPort #0, Speed 16GT/s, Width x16, ASPM not supported\n"
    "\t\tLnkSta:\tSpeed 8GT/s (downgraded), Width x8 (downgraded)\n"
    "\t\tLnkCap2: Supported Link Speeds: 2.5-16GT/s, Crosslink- Retimer+ 2Retimers+ DRS-\n"
)

DEVINFO = (
    "hca_id:\tmlx5_0\n\ttransport:\t\t\tInfiniBand (0)\n\tfw_ver:\t\t\t\t20.31.1014\n\tphys_port_cnt:\t\t\t1\n"
    "\t\tport:\t1\n\t\t\tstate:\t\t\tPORT_ACTIVE (4)\n\t\t\tmax_mtu:\t\t4096 (5)\n\t\t\tactive_mtu:\t\t1024 (3)\n"
    "\t\t\tsm_lid:\t\t\t1\n\t\t\tlink_layer:\t\tInfiniBand\n\n"
)

DMI = (
    "# dmidecode 3.3\nGetting SMBIOS data from sysfs.\n\n"
    "Handle 0x0000, DMI type 0, 26 bytes\nBIOS Information\n\tVendor: Huawei Corp.\n\tVersion: 1.75\n"
    "\tCharacteristics:\n\t\tPCI is supported\n\n"
    "Handle 0x0010, DMI type 17, 84 bytes\nMemory Device\n\tSize: 32 GB\n\tSpeed: 2933 MT/s\n\tLocator: DIMM000\n\n"
    "Handle 0x0011, DMI type 17, 84 bytes\nMemory Device\n\tSize: No Module Installed\n\tLocator: DIMM001\n\n"
)

# Cells that run into each other, as some drivers print them.
GLUED = (
    "\tGPU0\tGPU1\tNIC0\tNIC1\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\n"
    "GPU0\t X \tNV18\tPIX\tPH0-115\t0\tN/A\n"
    "GPU1\tNV18\t X \tSYS\tPIX\t0-31,64-950\t\tN/A\n"
    "NIC0\tPIX\tSYS\t X \tSYS\n"
    "NIC1\tPHB\tPIX\tSYS\t X \n"
    "\nNIC Legend:\n\n  NIC0: mlx5_0\n  NIC1: mlx5_3\n"
)

LSCPU = "Architecture: aarch64\nCPU(s): 128\nOn-line CPU(s) list: 0-63,66\nModel name: Kunpeng-920\nSocket(s): 2\n"

NUMACTL = (
    "available: 4 nodes (0-3)\n"
    "node 0 cpus: 0 1\nnode 0 size: 128000 MB\nnode 0 free: 100000 MB\n"
    "node 1 cpus: 2 3\nnode 1 size: 0 MB\nnode 1 free: 0 MB\n"
    "node 2 cpus:\nnode 2 size: 128000 MB\nnode 2 free: 1 MB\n"
    "node 3 cpus: 6 7\nnode 3 size: 128000 MB\nnode 3 free: 2 MB\n"
    "node distances:\nnode   0   1   2   3 \n"
    "  0:  10  12  20  22 \n  1:  12  10  22  24 \n  2:  20  22  10  12 \n  3:  22  24  12  10 \n"
)

QOS = (
    "DCBX mode: OS controlled\nPriority trust state: dscp\nPFC configuration:\n"
    "\tpriority    0   1   2   3   4   5   6   7\n\tenabled     0   0   0   1   0   0   0   0   \n"
    "\tbuffer      0   0   0   1   0   0   0   0   \n"
)

SMART = (
    '{"smartctl": {"exit_status": 0}, "device": {"name": "/dev/nvme0"}, "model_name": "PM9A3", "serial_number": "S1",'
    ' "firmware_version": "GDC5", "smart_status": {"passed": true}, "temperature": {"current": 35},'
    ' "nvme_smart_health_information_log": {"critical_warning": 0, "percentage_used": 2, "media_errors": 0}}'
)

# With a line of another rank that begins with a digit.
TABLE = (
    "#     size       count   type redop root    time  algbw  busbw #wrong    time  algbw  busbw #wrong\n"
    "#      (B)  (elements)                      (us) (GB/s) (GB/s)           (us) (GB/s) (GB/s)\n"
    "   1048576      262144  float   sum   -1   40.10  26.15  26.15      0   39.90  26.28  26.28      0\n"
    "12345 warnings of another rank\n"
    "1073741824   268435456  float   sum   -1  5000.1 214.74 214.74      0  4990.2 215.17 215.17    N/A\n"
    "# Out of bounds values : 0 OK\n"
    "# Avg bus bandwidth    : 120.587 \n"
    "#\n"
)

VECTOR = (
    '{"status": "success", "data": {"resultType": "vector", "result": '
    '[{"metric": {"__name__": "up", "instance": "w1"}, "value": [1700000000.5, "1"]}]}}'
)

FORMS: dict[str, tuple[Callable[[str], Any], str]] = {
    "ibv_devinfo": (read_devinfo, DEVINFO),
    "lspci -vvv": (read_lspci, DETAILS),
    "dmidecode": (read_dmidecode, DMI),
    "topo -m, glued": (read_topology, GLUED),
    "lscpu": (parse_lscpu, LSCPU),
    "numactl -H": (read_hardware, NUMACTL),
    "mlnx_qos": (read_qos, QOS),
    "smartctl -a": (read_smart, SMART),
    "nccl-tests": (read_nccl_tests, TABLE),
    "Prometheus": (read_query, VECTOR),
    "nvme": (
        read_nvme_log,
        '{"critical_warning": 0, "temperature": 308, "avail_spare": 100, "spare_thresh": 10, "percent_used": 1,'
        ' "media_errors": 0}\n',
    ),
    "ethtool -i": (read_driver, "driver: mlx5_core\nversion: 5.15\nfirmware-version: 20.31.1014\nbus-info: 81:00.0\n"),
    "ethtool -S": (read_statistics, "NIC statistics:\n     rx_prio3_pause: 12\n     rx_discards_phy: 345\n"),
    "ethtool -k": (read_features, "Features for eth0:\nrx-checksumming: on\n\trx-gro-hw: off [fixed]\n"),
    "show info": (read_info, "Name: HAProxy\nVersion: 2.6.12\nUptime_sec: 512\n"),
    "ipmitool sel": (read_sel, "   a | 05/12/2024 | 10:11:13 | Memory #0x53 | Correctable ECC | Asserted | DIMM000\n"),
    "cmdline": (parse_cmdline, "root=/dev/sda2 iommu.passthrough=1 hugepages=1024 quiet\n"),
    "sysctl": (parse_sysctl, "vm.nr_hugepages = 1024\nvm.zone_reclaim_mode = 0\n"),
    "nvlink -e": (
        read_nvlink_errors,
        "GPU 0: NVIDIA A100 80GB PCIe (UUID: GPU-00000000-1111-2222-3333-444444444444)\n"
        "\t Link 0: Replay Errors: 0\n\t Link 0: CRC Errors: 3\n"
        "\t Link 1: Replay Errors: 1\n\t Link 1: CRC Errors: 0\n",
    ),
    "driver/nvidia/version": (
        read_loaded_module,
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.161.08  Sat Feb 17 22:55:47 UTC 2024\n"
        "GCC version:  gcc version 11.4.0 (Ubuntu 11.4.0-1ubuntu1~22.04)\n",
    ),
    "nv-fabricmanager": (read_fabric_manager_version, "Fabric Manager version is : 535.161.08\n"),
    "version.json": (read_toolkit, '{"cuda": {"name": "CUDA SDK", "version": "12.2.2"}}\n'),
    "libnvidia-ml": (
        library_versions,
        "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.535.161.08\n/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.535.183.01\n",
    ),
    "ethtool -a": (read_pause, "Pause parameters for ens1f0np0:\nAutonegotiate:\toff\nRX:\t\toff\nTX:\t\ton\n"),
    "ibv_devinfo -v": (read_gids, DEVINFO + "\t\t\tGID[  3]:\t\t::ffff:10.2.0.7, RoCE v2\n"),
    "ipmitool mc info": (read_firmware, "Device ID                 : 1\nFirmware Revision         : 3.65\n"),
    "openssl engine": (read_engines, "(kae) Kunpeng Accelerator Engine\n     [ available ]\n"),
    "governors": (read_governors, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor:performance\n"),
    "vulnerabilities": (
        read_vulnerabilities,
        "/sys/devices/system/cpu/vulnerabilities/meltdown:Not affected\n"
        "/sys/devices/system/cpu/vulnerabilities/spectre_v2:Vulnerable\n",
    ),
    "counters": (
        read_counters,
        "/sys/class/infiniband/mlx5_0/ports/1/counters/symbol_error:12\n"
        "/sys/class/infiniband/mlx5_0/ports/1/hw_counters/packet_seq_err:345\n",
    ),
    "rates": (read_rates, "/sys/class/infiniband/mlx5_0/ports/1/rate:200 Gb/sec (4X HDR)\n"),
    "modinfo": (read_modinfo, "filename:       /lib/modules/x/hisi_sec2.ko\nversion:        1.3.14\n"),
    "meminfo": (parse_meminfo, "MemTotal:       528246540 kB\nHugePages_Total:      16\n"),
    "dpkg": (parse_dpkg_query, "socat\thold\tinstalled\t1.7.4.4-2\nchrony\thold\tinstalled\t4.3-2+deb12u3\n"),
    "rpm": (parse_rpm_query, "kernel\t0\t5.10.0-216\taarch64\n"),
    "timedatectl": (read_timedatectl, "Timezone=Asia/Shanghai\nNTP=yes\nNTPSynchronized=yes\n"),
    "chronyc": (
        read_tracking,
        "C0A80001,192.168.0.1,3,1700000000.1,-0.000012,0.00001,0.00002,1.5,0.001,0.01,0.02,0.03,64.2,Normal\n",
    ),
    "nccl channels": (channels_of, "n1:1:2 [0] NCCL INFO Channel 00/24 : 0[0] -> 1[1] via P2P/IPC/read\n"),
    "perftest": (
        read_bandwidth,
        " #bytes     #iterations    BW peak[Gb/sec]    BW average[Gb/sec]   MsgRate[Mpps]\n"
        " 65536      5000             196.56             196.54             0.374877\n",
    ),
}
