package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig.PortRange;
import io.ipsentry.enforcer.kernel.PacketFilterException.Cause;
import java.util.List;

/** From which ports the kernel makes our own connections. */
final class LocalPorts {
  /** Of both families, whatever its name. See ip-sysctl in the kernel's documentation. */
  private static final String FILE = "/proc/sys/net/ipv4/ip_local_port_range";

  private LocalPorts() {}

  /** The range, of the network namespace in which the programs run. */
  static PortRange ephemeral(KernelPrograms programs) {
    String text = programs.text(List.of("cat", FILE)).strip();
    String[] bounds = text.split("\\s+");
    try {
      return new PortRange(Integer.parseInt(bounds[0]), Integer.parseInt(bounds[1]));
    } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
      throw new PacketFilterException(Cause.OTHER, FILE + " is not two numbers: " + text);
    }
  }
}
