package io.ipsentry.config;

import io.ipsentry.config.AdminConfig.AdminToken;
import io.ipsentry.config.AdminConfig.KubernetesAuth;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads how a running instance is reached. */
final class AdminReader {
  /** Most tokens. */
  static final int MAX_TOKENS = 1_000;

  static final int DEFAULT_PORT = 9004;

  private final Path directory;
  private final TlsReader tls;
  private final SecretReader secrets;

  AdminReader(Path directory, TlsReader tls, SecretReader secrets) {
    this.directory = directory;
    this.tls = tls;
    this.secrets = secrets;
  }

  Optional<AdminConfig> admin(Value value) {
    return value.section(Keys.ADMIN).map(this::admin);
  }

  private AdminConfig admin(Section section) {
    Path socket = section.get("socket").flatMap(this::socket).orElse(AdminConfig.DEFAULT.socket());
    Optional<ListenAddress> listen =
        section.get("listen").flatMap(value -> ListenReader.read(value, DEFAULT_PORT));
    Optional<TlsConfig> files = section.get("tls").flatMap(tls::tls);
    List<AdminToken> tokens = section.get("tokens").map(this::tokens).orElse(List.of());
    boolean insecure = section.get("insecure").flatMap(Value::truth).orElse(false);
    Optional<KubernetesAuth> cluster =
        section.get("kubernetesAuth").flatMap(AdminReader::kubernetesAuth);
    AdminConfig admin = new AdminConfig(socket, listen, files, tokens, cluster, insecure);
    if (section.has("listen")) {
      checkListen(section, cluster.isPresent(), insecure);
    } else {
      for (String key : List.of("tls", "tokens", "kubernetesAuth", "insecure")) {
        section
            .get(key)
            .ifPresent(given ->
                given.warn(
                    "is for TCP, but there is no listen; the socket's owner needs none of it",
                    "write listen: \":" + DEFAULT_PORT + "\", or remove it"));
      }
    }
    return admin;
  }

  private static void checkListen(Section section, boolean hasCluster, boolean insecure) {
    boolean hasTls = section.has("tls");
    Optional<Value> ca = section.get("tls").flatMap(tls -> tls.child("clientCa"));
    boolean showsToken = section.has("tokens") || hasCluster;
    Value listen = section.get("listen").orElseThrow();
    if (hasCluster && ca.isPresent()) {
      ca.get()
          .error(
              "is beside kubernetesAuth, with which the cluster's own certificates are taken",
              "remove one of them");
    }
    if (!hasTls && !insecure) {
      listen.error(
          showsToken
              ? "is without TLS, so everybody on the way can read the tokens"
              : "is without TLS",
          "add tls: { certificate, key, clientCa }, or insecure: true where the way is safe");
    } else if (hasTls && ca.isEmpty() && !showsToken && !insecure) {
      listen.error(
          "lets everybody ban and unban: neither client certificates nor tokens are asked for",
          "add clientCa to tls, or tokens");
    } else if (insecure && hasTls && (ca.isPresent() || showsToken)) {
      section
          .get("insecure")
          .orElseThrow()
          .warn("is not needed with TLS and callers who show who they are", "remove it");
    }
  }

  /** A truth value, or a mapping, which is true. */
  private static Optional<KubernetesAuth> kubernetesAuth(Value value) {
    if (!value.isMapping()) {
      return value.truth().filter(asked -> asked).map(_ -> KubernetesAuth.DEFAULT);
    }
    return value
        .section(Keys.KUBERNETES_AUTH)
        .map(section -> {
          List<String> audiences = section.get("audiences").map(Value::texts).orElse(List.of());
          if (section.has("audiences") && audiences.isEmpty()) {
            section
                .get("audiences")
                .orElseThrow()
                .error("is empty, so no token is for it", "name one, or remove it");
          }
          return new KubernetesAuth(audiences);
        });
  }

  private Optional<Path> socket(Value value) {
    Optional<Path> path = ServiceReader.path(value, directory);
    int length =
        path.map(known -> known.toString().getBytes(StandardCharsets.UTF_8).length).orElse(0);
    if (length > AdminConfig.MAX_SOCKET_PATH_BYTES) {
      value.error(
          "is longer than the " + AdminConfig.MAX_SOCKET_PATH_BYTES + " bytes of a socket path",
          "write a shorter path");
      return Optional.empty();
    }
    return path;
  }

  private List<AdminToken> tokens(Value list) {
    List<Value> items = list.items();
    if (items.size() > MAX_TOKENS) {
      list.error("has more than " + MAX_TOKENS + " tokens", "remove some");
      return List.of();
    }
    List<AdminToken> tokens = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (Value item : items) {
      item.section(Keys.ADMIN_TOKEN)
          .flatMap(section -> token(section, names))
          .ifPresent(tokens::add);
    }
    return tokens;
  }

  private Optional<AdminToken> token(Section section, Set<String> names) {
    Optional<String> name =
        section.require("name", "write name: and who has the token").flatMap(Names::read);
    if (name.isPresent() && !names.add(name.get())) {
      section
          .get("name")
          .orElseThrow()
          .error("there are two tokens of the name " + name.get(), "give one another name");
    }
    if (!section.has("token") && !section.has("file") && !section.isMisspelt("file")) {
      section.whole().error("has no token", "write file: and the path of a file that holds it");
    }
    Optional<String> token = secrets.token(section, "token", "file");
    return name.flatMap(known -> token.map(text -> new AdminToken(known, text)));
  }
}
