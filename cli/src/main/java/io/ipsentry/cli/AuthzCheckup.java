package io.ipsentry.cli;

import io.ipsentry.config.AdminConfig;
import io.ipsentry.config.AuthzConfig;
import io.ipsentry.config.Config;
import io.ipsentry.config.ListenAddress;
import io.ipsentry.config.TlsConfig;
import io.ipsentry.config.TlsFileException;
import io.ipsentry.config.TlsMaterial;
import io.ipsentry.rule.Rule;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Looks at what gateways are served, as they would find it now. */
final class AuthzCheckup {
  private static final Duration TIMEOUT = Duration.ofSeconds(2);

  /** More of an answer is not read. */
  private static final int MAX_ANSWER_BYTES = 4 << 20;

  private static final String UNKNOWN_POLICY = "ip_sentry_checks_unknown_policy_total";
  private static final String UNAUTHENTICATED = "ip_sentry_checks_unauthenticated_total";

  private final Config config;
  private final Shell shell;
  private final List<Finding> findings = new ArrayList<>();

  AuthzCheckup(Config config, Shell shell) {
    this.config = config;
    this.shell = shell;
  }

  /**
   * What was found.
   *
   * @param running whether an instance is running, so that its servers must answer
   */
  List<Finding> look(boolean running) {
    findings.clear();
    AdminConfig admin = config.admin();
    admin.tls().ifPresent(tls -> findings.add(certificate("admin.tls", tls)));
    if (running) {
      admin.listen().ifPresent(listen -> connection("admin.listen", listen));
    }
    config.authz().ifPresent(authz -> authz(authz, running));
    return List.copyOf(findings);
  }

  private void authz(AuthzConfig authz, boolean running) {
    authz.tls().ifPresent(tls -> findings.add(certificate("authz.tls", tls)));
    if (running) {
      authz.listen().ifPresent(listen -> connection("authz.listen", listen));
      authz
          .http()
          .ifPresent(listen -> {
            if (authz.tls().isPresent()) {
              connection("authz.http", listen);
            } else {
              readiness("authz.http", listen);
            }
          });
      config.metrics().ifPresent(listen -> counters(listen, authz));
    }
    callers(authz);
    shadow(authz);
  }

  private void callers(AuthzConfig authz) {
    long inline = config.rules().stream().filter(rule -> rule.on() == Rule.On.REQUEST).count();
    int callers = authz.callers().size();
    if (callers > 0) {
      findings.add(
          Finding.ok(
              "authz.callers", callers + " may make hits; rules that judge requests: " + inline));
    } else if (inline == 0) {
      findings.add(Finding.ok("authz.callers", "bans are judged alone; no request makes a hit"));
    }
    // Inline rules without callers are a warning of the configuration already.
  }

  private void shadow(AuthzConfig authz) {
    List<String> shadowed = new ArrayList<>();
    if (authz.policy().mode() == Rule.Mode.SHADOW) {
      shadowed.add("the default policy");
    }
    authz.policies().values().stream()
        .filter(policy -> policy.mode() == Rule.Mode.SHADOW)
        .forEach(policy -> shadowed.add("the policy " + policy.name()));
    if (!shadowed.isEmpty()) {
      findings.add(
          Finding.warn(
              "authz.mode",
              String.join(", ", shadowed) + ": in shadow mode, so nobody is refused",
              "write mode: enforce when what it shows is right"));
    }
  }

  /** What is said of a certificate; its files may have changed since the configuration was read. */
  Finding certificate(String check, TlsConfig tls) {
    try {
      TlsMaterial material = TlsMaterial.read(tls);
      Optional<String> doubt = material.doubt(shell.clock().instant());
      if (doubt.isEmpty()) {
        return Finding.ok(
            check, tls.certificate() + ": valid until " + Times.format(material.expiresAt()));
      }
      boolean valid = shell.clock().instant().isBefore(material.expiresAt());
      String what = tls.certificate() + " " + doubt.get();
      String mend = "renew it; a new one is taken without a restart";
      return valid ? Finding.warn(check, what, mend) : Finding.fail(check, what, mend);
    } catch (TlsFileException e) {
      return Finding.fail(check, e.file() + " " + e.what(), e.mend());
    }
  }

  private static InetSocketAddress reachable(ListenAddress listen) {
    boolean local = listen.host().isEmpty() || listen.host().equals("localhost");
    InetAddress host =
        local ? InetAddress.getLoopbackAddress() : InetAddress.ofLiteral(listen.host());
    return new InetSocketAddress(host, listen.port());
  }

  private void connection(String check, ListenAddress listen) {
    if (listen.port() == 0) {
      return;
    }
    try (Socket socket = new Socket()) {
      socket.connect(reachable(listen), (int) TIMEOUT.toMillis());
      findings.add(Finding.ok(check, listen + " takes connections"));
    } catch (IOException e) {
      findings.add(silent(check, listen, e));
    }
  }

  private static Finding silent(String check, ListenAddress listen, IOException e) {
    return Finding.fail(
        check,
        "nobody answers on " + listen + ": " + e.getMessage(),
        "the address is read at the start only: restart ip-sentry run, and see its log");
  }

  /** Asks as a probe does. */
  private void readiness(String check, ListenAddress listen) {
    if (listen.port() == 0) {
      return;
    }
    try {
      findings.add(answered(check, listen, get(listen, "/readyz").split("\r\n", 2)[0]));
    } catch (IOException e) {
      findings.add(silent(check, listen, e));
    }
  }

  /** What only the running instance can tell: whom it met since its start. */
  private void counters(ListenAddress listen, AuthzConfig authz) {
    String metrics;
    try {
      metrics = listen.port() == 0 ? "" : get(listen, "/metrics");
    } catch (IOException e) {
      findings.add(silent("metrics.listen", listen, e));
      return;
    }
    long unknownPolicy = sum(metrics, UNKNOWN_POLICY);
    if (unknownPolicy > 0) {
      findings.add(
          Finding.warn(
              "authz.policies",
              unknownPolicy + " requests named a policy that is not there, and got the default one",
              "known: "
                  + (authz.policies().isEmpty()
                      ? "none"
                      : String.join(", ", authz.policies().keySet()))
                  + "; mend the gateway, or add the policy"));
    }
    long unauthenticated = sum(metrics, UNAUTHENTICATED);
    if (unauthenticated > 0) {
      findings.add(
          Finding.warn(
              "authz.callers",
              unauthenticated + " requests came from others than authz.callers, so none was a hit",
              "if they are your gateways', add their addresses, names or token"));
    }
  }

  private static long sum(String metrics, String counter) {
    return metrics
        .lines()
        .filter(line -> line.startsWith(counter + "{") || line.startsWith(counter + " "))
        .mapToLong(line -> (long) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  /** The whole answer, its head too. */
  private static String get(ListenAddress listen, String path) throws IOException {
    try (Socket socket = new Socket()) {
      socket.connect(reachable(listen), (int) TIMEOUT.toMillis());
      socket.setSoTimeout((int) TIMEOUT.toMillis());
      String request = "GET " + path + " HTTP/1.1\r\nHost: ip-sentry\r\nConnection: close\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      byte[] answer = socket.getInputStream().readNBytes(MAX_ANSWER_BYTES);
      return new String(answer, StandardCharsets.UTF_8);
    }
  }

  private static Finding answered(String check, ListenAddress listen, String status) {
    if (status.startsWith("HTTP/1.1 200")) {
      return Finding.ok(check, listen + " judges requests");
    }
    return status.startsWith("HTTP/1.1 503")
        ? Finding.warn(
            check,
            listen + " cannot judge yet, so that gateways decide by themselves",
            "wait until it has read its store; see its log")
        : Finding.fail(
            check,
            "what answers on " + listen + " is not ip-sentry: " + status,
            "choose another port, or end the other server");
  }
}
