package io.ipsentry.enforcer.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.enforcer.kernel.PacketFilterException.Cause;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProgramFailureTest {
  /** What the programs really say; see also {@link MissingModuleIT}. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "ipset v7.17: Kernel error received: Operation not permitted | NO_CAPABILITY | NET_ADMIN",
        "ipset v7.17: Cannot open session to kernel. | NO_MODULE | ip_set",
        "ipset v7.17: Kernel error received: set type not supported | NO_MODULE | ip_set_hash_net",
        "ipset v7.17: Error in line 3: Hash is full, cannot add more elements | TOO_MANY | room",
        "ipset v7.17: The set with the given name does not exist | OTHER | does not exist",
        "iptables-save v1.8.9 (legacy): Cannot initialize: Table does not exist (do you need to"
            + " insmod?) | NO_MODULE | table",
        "iptables v1.8.9 (legacy): can't initialize iptables table `raw': iptables who? (do you"
            + " need to insmod?) | NO_MODULE | iptable_raw",
        "iptables-restore v1.8.9 (legacy): Kernel module xt_set is not loaded in. | NO_MODULE |"
            + " xt_set",
        "iptables v1.8.9 (legacy): can't initialize iptables table `raw': Permission denied (you"
            + " must be root) | NO_CAPABILITY | NET_RAW",
        "Fatal: can't open lock file /run/xtables.lock: Permission denied | READ_ONLY | mount",
        "Fatal: can't open lock file /run/xtables.lock: Read-only file system | READ_ONLY | mount",
        "Another app is currently holding the xtables lock. Stopped waiting after 45s. | TIMEOUT |"
            + " lock",
        "iptables: No chain/target/match by that name. | NO_MODULE | xt_set",
        "netlink: Error: cache initialization failed: Operation not permitted | NO_CAPABILITY |"
            + " NET_ADMIN",
        "Unable to initialize Netlink socket: Protocol not supported | NO_MODULE | nf_tables",
        "nsenter: failed to execute ipset: No such file or directory | NO_PROGRAM | host",
        "nsenter: reassociate to namespace 'ns/net' failed: Operation not permitted |"
            + " NO_CAPABILITY | hostPID",
        "nsenter: cannot open /proc/1/ns/net: Permission denied | NO_CAPABILITY | hostPID",
        "exec of \"nft\" failed: No such file or directory | NO_PROGRAM | install",
        "something new | OTHER | something new",
        "'' | OTHER | said: nothing",
      })
  void of_whatAProgramComplains_isClassified(String complaint, Cause cause, String says) {
    PacketFilterException failure = ProgramFailure.of("program", 1, complaint);
    assertThat(failure.kind()).isEqualTo(cause);
    assertThat(failure).hasMessageStartingWith("program").hasMessageContaining(says);
  }

  @Test
  void notStarted_noSuchFile_isNotInstalled() {
    String reason = "Cannot run program \"nft\": error=2, No such file or directory";
    PacketFilterException failure = ProgramFailure.notStarted("nft", new IOException(reason));
    assertThat(failure.kind()).isEqualTo(Cause.NO_PROGRAM);
  }

  @Test
  void notStarted_forAnotherReason_isTold() {
    String reason = "Cannot run program \"nft\": error=12, Cannot allocate memory";
    PacketFilterException failure = ProgramFailure.notStarted("nft", new IOException(reason));
    assertThat(failure.kind()).isEqualTo(Cause.OTHER);
    assertThat(failure).hasMessageContaining("Cannot allocate memory");
  }
}
