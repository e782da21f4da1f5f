"""What the tools of a host with GPUs print, in the form of recordings, for the cases of several topics."""

from check_cases import Answers

DRIVER = "535.161.08"
ADDRESSES = ("00000000:3B:00.0", "00000000:D8:00.0")

# One GPU, with a place for each value that a case changes; an A100 as driver 535 describes it.
_GPU = """    <gpu id="{address}">
        <product_name>NVIDIA A100 80GB PCIe</product_name>
        <product_architecture>Ampere</product_architecture>
        <persistence_mode>Enabled</persistence_mode>
        <addressing_mode>None</addressing_mode>
        <mig_mode>
            <current_mig>Disabled</current_mig>
            <pending_mig>Disabled</pending_mig>
        </mig_mode>
        <serial>1320000000001</serial>
        <uuid>GPU-00000000-1111-2222-3333-444444444444</uuid>
        <vbios_version>92.00.68.00.01</vbios_version>
        <inforom_version>
            <img_version>1001.0230.00.03</img_version>
            <ecc_object>6.16</ecc_object>
        </inforom_version>
        <gsp_firmware_version>535.161.08</gsp_firmware_version>
        <gpu_reset_status>
            <reset_required>No</reset_required>
            <drain_and_reset_recommended>No</drain_and_reset_recommended>
        </gpu_reset_status>
        <pci>
            <pci_gpu_link_info>
                <pcie_gen>
                    <max_link_gen>4</max_link_gen>
                    <current_link_gen>1</current_link_gen>
                </pcie_gen>
                <link_widths>
                    <max_link_width>16x</max_link_width>
                    <current_link_width>16x</current_link_width>
                </link_widths>
            </pci_gpu_link_info>
            <replay_counter>3</replay_counter>
        </pci>
        <performance_state>P0</performance_state>
        <clocks_event_reasons>
            <clocks_event_reason_gpu_idle>Active</clocks_event_reason_gpu_idle>
            <clocks_event_reason_hw_slowdown>Not Active</clocks_event_reason_hw_slowdown>
            <clocks_event_reason_hw_thermal_slowdown>Not Active</clocks_event_reason_hw_thermal_slowdown>
            <clocks_event_reason_hw_power_brake_slowdown>Not Active</clocks_event_reason_hw_power_brake_slowdown>
            <clocks_event_reason_sw_thermal_slowdown>Not Active</clocks_event_reason_sw_thermal_slowdown>
        </clocks_event_reasons>
        <fb_memory_usage>
            <total>81920 MiB</total>
            <used>4 MiB</used>
        </fb_memory_usage>
        <bar1_memory_usage>
            <total>131072 MiB</total>
        </bar1_memory_usage>
        <compute_mode>Default</compute_mode>
        <ecc_mode>
            <current_ecc>Enabled</current_ecc>
            <pending_ecc>Enabled</pending_ecc>
        </ecc_mode>
        <ecc_errors>
            <volatile>
                <sram_correctable>0</sram_correctable>
                <sram_uncorrectable>0</sram_uncorrectable>
                <dram_correctable>2</dram_correctable>
                <dram_uncorrectable>0</dram_uncorrectable>
            </volatile>
            <aggregate>
                <sram_correctable>0</sram_correctable>
                <sram_uncorrectable>0</sram_uncorrectable>
                <dram_correctable>5</dram_correctable>
                <dram_uncorrectable>1</dram_uncorrectable>
            </aggregate>
        </ecc_errors>
        <remapped_rows>
            <remapped_row_corr>0</remapped_row_corr>
            <remapped_row_unc>1</remapped_row_unc>
            <remapped_row_pending>No</remapped_row_pending>
            <remapped_row_failure>No</remapped_row_failure>
            <row_remapper_histogram>
                <row_remapper_histogram_max>639 bank(s)</row_remapper_histogram_max>
                <row_remapper_histogram_none>0 bank(s)</row_remapper_histogram_none>
            </row_remapper_histogram>
        </remapped_rows>
        <temperature>
            <gpu_temp>34 C</gpu_temp>
            <memory_temp>41 C</memory_temp>
        </temperature>
        <gpu_power_readings>
            <power_draw>45.10 W</power_draw>
            <current_power_limit>300.00 W</current_power_limit>
        </gpu_power_readings>
        <clocks>
            <sm_clock>210 MHz</sm_clock>
        </clocks>
        <max_clocks>
            <sm_clock>1410 MHz</sm_clock>
            <mem_clock>1512 MHz</mem_clock>
        </max_clocks>
        <fabric>
            <state>Completed</state>
            <status>Success</status>
        </fabric>
    </gpu>
"""
_REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log>
    <driver_version>535.161.08</driver_version>
    <cuda_version>12.2</cuda_version>
    <attached_gpus>{attached}</attached_gpus>
{gpus}</nvidia_smi_log>
"""
SMI = "nvidia-smi -q -x"
# What it prints when the module is gone, and when the libraries were upgraded under it.
NO_DRIVER = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
    "Make sure that the latest NVIDIA driver is installed and running.\n\n"
)
LOST = "Unable to determine the device handle for GPU0000:D8:00.0: Unknown Error\n"


def report(*changes: tuple[str, str], everywhere: bool = False) -> str:
    """What `nvidia-smi -q -x` prints of two GPUs; the changes are those of the second, or of both.

    A change whose text is not there is a mistake of the case.
    """
    gpus = [_GPU.format(address=address) for address in ADDRESSES]
    for old, new in changes:
        assert old in gpus[1], old
        gpus = [gpus[0].replace(old, new) if everywhere else gpus[0], gpus[1].replace(old, new)]
    return _REPORT.format(attached=len(gpus), gpus="".join(gpus))


def smi(*changes: tuple[str, str], everywhere: bool = False) -> Answers:
    """A host whose second GPU (or every one) differs by the changes."""
    return {SMI: report(*changes, everywhere=everywhere)}


def tag(name: str, old: str, new: str) -> tuple[str, str]:
    """A change of one element's text."""
    return f"<{name}>{old}</{name}>", f"<{name}>{new}</{name}>"


def one_gpu_lost() -> Answers:
    """A host whose second GPU fell off the bus: nvidia-smi complains and describes the other."""
    return {SMI: LOST + _REPORT.format(attached=2, gpus=_GPU.format(address=ADDRESSES[0]))}


# Hosts on which no check that reads the report can tell: cut, another tool's words, no driver, a GPU not described.
SILENT: list[Answers] = [
    {SMI: report().rpartition("    <gpu ")[0]},
    {SMI: NO_DRIVER},
    {SMI: report().replace("<attached_gpus>2", "<attached_gpus>3")},
    {SMI: "<html>\n"},
]
