package io.ipsentry.kubernetes.tunnel;

import io.fabric8.kubernetes.api.model.AuthInfo;
import io.fabric8.kubernetes.api.model.ExecConfig;
import io.fabric8.kubernetes.api.model.ExecEnvVar;
import io.fabric8.kubernetes.client.Config.ExecCredential;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.ipsentry.banlog.BanLogException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Credentials that a program of the user gives, as {@code users[].user.exec} of a kubeconfig names
 * it (client-go credential plugins). It is told what kubectl tells it; what it says on standard
 * error is shown to the person. Stateless.
 *
 * <p>The client's own way mixes both outputs and tells the program nothing, which common ones do
 * not stand.
 */
final class ExecCredentials {
  /** Whoever logs in with a browser takes a while. */
  private static final long MAX_SECONDS = 120;

  private static final int MAX_BYTES = 1 << 20;

  private ExecCredentials() {}

  /**
   * Runs the program and puts into {@code user} what it gave, in its own place.
   *
   * @param kubeconfig which names it; a relative path starts from its directory
   * @throws BanLogException permanent, if it gives nothing
   */
  static void resolve(AuthInfo user, Path kubeconfig) {
    ExecConfig exec = Objects.requireNonNull(user.getExec());
    ExecCredential credential = run(exec, kubeconfig);
    user.setExec(null);
    if (credential.status != null && credential.status.token != null) {
      user.setToken(credential.status.token);
    } else if (credential.status != null
        && credential.status.clientCertificateData != null
        && credential.status.clientKeyData != null) {
      // As PEM; a kubeconfig has it in Base64.
      user.setClientCertificateData(base64(credential.status.clientCertificateData));
      user.setClientKeyData(base64(credential.status.clientKeyData));
    } else {
      throw failed(exec, "gave neither a token nor a certificate", null);
    }
  }

  private static String base64(String pem) {
    return Base64.getEncoder().encodeToString(pem.getBytes(StandardCharsets.UTF_8));
  }

  private static ExecCredential run(ExecConfig exec, Path kubeconfig) {
    ProcessBuilder builder =
        new ProcessBuilder(command(exec, kubeconfig))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .redirectInput(ProcessBuilder.Redirect.INHERIT);
    for (ExecEnvVar variable : Objects.requireNonNullElse(exec.getEnv(), List.<ExecEnvVar>of())) {
      builder.environment().put(variable.getName(), variable.getValue());
    }
    builder
        .environment()
        .put(
            "KUBERNETES_EXEC_INFO",
            "{\"kind\":\"ExecCredential\",\"apiVersion\":\""
                + exec.getApiVersion()
                + "\",\"spec\":{\"interactive\":false}}");
    try {
      Process process = builder.start();
      process
          .onExit()
          .orTimeout(MAX_SECONDS, TimeUnit.SECONDS)
          .exceptionally(_ -> {
            process.destroyForcibly();
            return process;
          });
      byte[] said = process.getInputStream().readNBytes(MAX_BYTES);
      int code = process.waitFor();
      if (code != 0) {
        throw failed(exec, "ended with " + code, null);
      }
      ExecCredential credential =
          Serialization.unmarshal(new String(said, StandardCharsets.UTF_8), ExecCredential.class);
      if (credential == null || !Objects.equals(credential.apiVersion, exec.getApiVersion())) {
        throw failed(exec, "did not answer in the version " + exec.getApiVersion(), null);
      }
      return credential;
    } catch (IOException | IllegalArgumentException e) {
      throw failed(exec, "cannot be used: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failed(exec, "was interrupted", e);
    }
  }

  private static List<String> command(ExecConfig exec, Path kubeconfig) {
    String program = exec.getCommand();
    if (program.contains("/") && !program.startsWith("/")) {
      program = kubeconfig.toAbsolutePath().resolveSibling(program).normalize().toString();
    }
    List<String> command = new ArrayList<>(List.of(program));
    command.addAll(Objects.requireNonNullElse(exec.getArgs(), List.of()));
    return command;
  }

  private static BanLogException failed(ExecConfig exec, String why, @Nullable Throwable cause) {
    String hint = exec.getInstallHint() == null ? "" : "; " + exec.getInstallHint().strip();
    String message = "the program " + exec.getCommand() + " of the kubeconfig's user " + why + hint;
    return cause == null
        ? BanLogException.permanent(message)
        : BanLogException.permanent(message, cause);
  }
}
