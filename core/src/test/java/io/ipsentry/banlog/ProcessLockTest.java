package io.ipsentry.banlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ProcessLockTest {
  @TempDir private Path directory;

  @Test
  void take_held_saysByWhomAndIsFreeAfterwards() throws Exception {
    Path file = directory.resolve("lock");
    String self = Long.toString(ProcessHandle.current().pid());

    try (ProcessLock held = ProcessLock.take(file)) {
      assertThat(held).isNotNull();
      assertThatThrownBy(() -> ProcessLock.take(file))
          .isInstanceOfSatisfying(
              ProcessLock.HeldException.class, e -> assertThat(e.owner()).isEqualTo(self));
    }
    ProcessLock.take(file).close();
  }

  @Test
  void take_symbolicLink_leavesItsTargetAlone() throws Exception {
    Path target = Files.writeString(directory.resolve("target"), "precious");
    Path file = Files.createSymbolicLink(directory.resolve("lock"), target);

    assertThatThrownBy(() -> ProcessLock.take(file)).isInstanceOf(IOException.class);
    assertThat(target).hasContent("precious");
  }
}
