package io.ipsentry.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.testing.cluster.ClusterPrograms;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.io.TempDir;

final class RequirementConditionTest {
  @TempDir private Path directory;

  @RequiresRoot
  private static final class NeedsRoot {}

  @RequiresProgram({"nginx", "kubectl"})
  private static final class NeedsPrograms {}

  @RequiresCluster
  private static final class NeedsCluster {}

  private static final class NeedsNothing {}

  @Test
  void evaluate_programMissingOnLaptop_isSkippedWithTheReason() throws IOException {
    executable("nginx");

    ConditionEvaluationResult result = condition(true, false).evaluate(NeedsPrograms.class);

    assertThat(result.isDisabled()).isTrue();
    assertThat(result.getReason()).hasValueSatisfying(r -> assertThat(r).contains("kubectl"));
    assertThat(result.getReason()).hasValueSatisfying(r -> assertThat(r).doesNotContain("nginx"));
  }

  @Test
  void evaluate_programMissingInCi_fails() {
    RequirementCondition condition = condition(true, true);

    assertThatThrownBy(() -> condition.evaluate(NeedsPrograms.class))
        .hasMessageContaining("nginx")
        .hasMessageContaining("kubectl");
  }

  @Test
  void evaluate_programsThere_runs() throws IOException {
    executable("nginx");
    executable("kubectl");

    assertThat(condition(false, true).evaluate(NeedsPrograms.class).isDisabled()).isFalse();
  }

  @Test
  void evaluate_notRoot_isSkippedOnLaptopAndFailsInCi() {
    RequirementCondition inCi = condition(false, true);

    assertThat(condition(false, false).evaluate(NeedsRoot.class).getReason())
        .hasValueSatisfying(reason -> assertThat(reason).contains("root"));
    assertThatThrownBy(() -> inCi.evaluate(NeedsRoot.class)).hasMessageContaining("root");
    assertThat(condition(true, true).evaluate(NeedsRoot.class).isDisabled()).isFalse();
  }

  @Test
  void evaluate_noCluster_isSkippedWithTheWayToMendItAndFailsInCi() {
    RequirementCondition inCi = condition(true, true);

    assertThat(condition(true, false).evaluate(NeedsCluster.class).getReason())
        .hasValueSatisfying(reason -> assertThat(reason).contains("build-kubernetes.sh"));
    assertThatThrownBy(() -> inCi.evaluate(NeedsCluster.class))
        .hasMessageContaining("kube-apiserver");
  }

  @Test
  void evaluate_clusterThere_runs() {
    RequirementCondition condition =
        new RequirementCondition(
            new Surroundings(
                false, true, List.of(), () -> Optional.of(new ClusterPrograms(directory))));

    assertThat(condition.evaluate(NeedsCluster.class).isDisabled()).isFalse();
  }

  @Test
  void evaluate_nothingRequired_runs() {
    assertThat(condition(false, true).evaluate(NeedsNothing.class).isDisabled()).isFalse();
  }

  @Test
  void program_directoryOrPlainFile_isNoProgram() throws IOException {
    Files.createDirectory(directory.resolve("nginx"));
    Files.writeString(directory.resolve("kubectl"), "text");

    Surroundings surroundings = new Surroundings(true, false, List.of(directory), Optional::empty);

    assertThat(surroundings.program("nginx")).isEmpty();
    assertThat(surroundings.program("kubectl")).isEmpty();
  }

  private RequirementCondition condition(boolean root, boolean ci) {
    return new RequirementCondition(
        new Surroundings(root, ci, List.of(directory), Optional::empty));
  }

  private void executable(String name) throws IOException {
    Path file = Files.writeString(directory.resolve(name), "#!/bin/sh\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
