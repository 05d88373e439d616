package io.ipsentry.kubernetes.tunnel;

import io.fabric8.kubernetes.api.model.AuthInfo;
import io.fabric8.kubernetes.api.model.Context;
import io.fabric8.kubernetes.api.model.NamedAuthInfo;
import io.fabric8.kubernetes.api.model.NamedContext;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.internal.KubeConfigUtils;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.config.TlsFileException;
import io.ipsentry.config.TlsMaterial;
import io.ipsentry.kubernetes.api.ClusterClients;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * One context of a kubeconfig: a cluster, and who the person is there. Immutable; safe for any
 * thread.
 */
public final class Kubeconfig {
  private static final String DEFAULT_NAMESPACE = "default";

  /** A store in memory alone needs none. */
  private static final char[] NONE = {};

  private final Config config;
  private final String context;
  private final Optional<KeyManager> certificate;

  private Kubeconfig(Config config, String context, Optional<KeyManager> certificate) {
    this.config = config;
    this.context = context;
    this.certificate = certificate;
  }

  /**
   * Reads it, and runs the program that its user's credentials come from, if it names one.
   *
   * @param files of which the first that says something wins; those that do not exist are passed
   *     over
   * @param context empty: the current one
   * @throws BanLogException permanent, if there is none or it is of no use; the message says how to
   *     mend it
   */
  public static Kubeconfig read(List<Path> files, Optional<String> context) {
    List<Path> there = files.stream().filter(Files::isRegularFile).toList();
    if (there.isEmpty()) {
      throw BanLogException.permanent(
          "there is no kubeconfig "
              + String.join(", ", files.stream().map(Path::toString).toList())
              + "; name one with --kubeconfig or $KUBECONFIG");
    }
    List<io.fabric8.kubernetes.api.model.Config> parsed = new ArrayList<>();
    for (Path file : there) {
      parsed.add(parse(file));
    }
    NamedContext chosen = context(parsed, there, context);
    Context named = chosen.getContext();
    user(parsed, there, named.getUser());
    Config config = new ConfigBuilder(Config.empty()).build();
    KubeConfigUtils.merge(
        config, chosen.getName(), parsed.toArray(io.fabric8.kubernetes.api.model.Config[]::new));
    if (config.getMasterUrl() == null || parsed.stream().noneMatch(one -> has(one, named))) {
      throw BanLogException.permanent(
          "the context " + chosen.getName() + " of the kubeconfig names no cluster that is there");
    }
    return new Kubeconfig(config, chosen.getName(), certificate(config, there.getFirst()));
  }

  /**
   * What its user shows. The client knows fewer forms of keys than there are in kubeconfigs, so it
   * is given the one that it knows.
   */
  private static Optional<KeyManager> certificate(Config config, Path file) {
    if (blank(config.getClientCertData()) && blank(config.getClientCertFile())) {
      return Optional.empty();
    }
    try {
      TlsMaterial shown =
          TlsMaterial.of(
              file,
              pem(config.getClientCertData(), config.getClientCertFile()),
              pem(config.getClientKeyData(), config.getClientKeyFile()));
      config.setClientKeyFile(null);
      config.setClientKeyData(
          encoded(
              "-----BEGIN PRIVATE KEY-----\n"
                  + Base64.getMimeEncoder().encodeToString(shown.key().getEncoded())
                  + "\n-----END PRIVATE KEY-----\n"));
      config.setClientKeyAlgo(shown.key().getAlgorithm());
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      store.setKeyEntry("me", shown.key(), NONE, shown.chain().toArray(new X509Certificate[0]));
      KeyManagerFactory factory =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      factory.init(store, NONE);
      return Optional.of(factory.getKeyManagers()[0]);
    } catch (TlsFileException e) {
      throw BanLogException.permanent(
          "the client certificate or key of the kubeconfig's user " + e.what() + "; " + e.mend(),
          e);
    } catch (GeneralSecurityException | IOException e) {
      throw BanLogException.permanent(
          "the client certificate of the kubeconfig's user cannot be used: " + e.getMessage(), e);
    }
  }

  private static byte[] pem(@Nullable String data, @Nullable String file) throws IOException {
    if (data != null && !data.isEmpty()) {
      // As the client does: Base64, or as it is where a program gave it.
      return data.contains("-----BEGIN")
          ? data.getBytes(StandardCharsets.UTF_8)
          : Base64.getMimeDecoder().decode(data);
    }
    return file == null ? new byte[0] : Files.readAllBytes(Path.of(file));
  }

  private static String encoded(String pem) {
    return Base64.getEncoder().encodeToString(pem.getBytes(StandardCharsets.UTF_8));
  }

  private static io.fabric8.kubernetes.api.model.Config parse(Path file) {
    if (!Files.isReadable(file)) {
      throw BanLogException.permanent("the kubeconfig " + file + " cannot be read by this user");
    }
    try {
      return KubeConfigUtils.parseConfig(file.toFile());
    } catch (RuntimeException e) {
      // Whatever its parser throws: the file is of no use.
      throw BanLogException.permanent(
          "the kubeconfig " + file + " is of no use: " + e.getMessage(), e);
    }
  }

  private static boolean has(io.fabric8.kubernetes.api.model.Config one, Context context) {
    return one.getClusters() != null
        && one.getClusters().stream()
            .anyMatch(cluster -> cluster.getName().equals(context.getCluster()));
  }

  /** The client would take the current one for one that is not there. */
  private static NamedContext context(
      List<io.fabric8.kubernetes.api.model.Config> parsed,
      List<Path> files,
      Optional<String> asked) {
    String name =
        asked.orElseGet(() ->
            parsed.stream()
                .map(io.fabric8.kubernetes.api.model.Config::getCurrentContext)
                .filter(current -> current != null && !current.isEmpty())
                .findFirst()
                .orElseThrow(() ->
                    BanLogException.permanent(
                        "the kubeconfig "
                            + files.getFirst()
                            + " has no current context; name one with --context, or choose"
                            + " one with kubectl config use-context")));
    return parsed.stream()
        .map(io.fabric8.kubernetes.api.model.Config::getContexts)
        .flatMap(contexts -> contexts == null ? Stream.empty() : contexts.stream())
        .filter(one -> one.getName().equals(name) && one.getContext() != null)
        .findFirst()
        .orElseThrow(() ->
            BanLogException.permanent(
                "the kubeconfig has no context "
                    + name
                    + "; kubectl config get-contexts shows those there are"));
  }

  /** Reads what the client does not: a token's file, and what a program gives. */
  private static void user(
      List<io.fabric8.kubernetes.api.model.Config> parsed, List<Path> files, String name) {
    for (int i = 0; i < parsed.size(); i++) {
      List<NamedAuthInfo> users = parsed.get(i).getUsers();
      for (NamedAuthInfo one : users == null ? List.<NamedAuthInfo>of() : users) {
        AuthInfo user = one.getUser();
        if (!one.getName().equals(name) || user == null) {
          continue;
        }
        if (user.getTokenFile() != null && !user.getTokenFile().isEmpty()) {
          user.setToken(token(files.get(i).toAbsolutePath().resolveSibling(user.getTokenFile())));
        } else if (user.getExec() != null && blank(user.getToken())) {
          ExecCredentials.resolve(user, files.get(i));
        }
        return;
      }
    }
  }

  private static boolean blank(@Nullable String text) {
    return text == null || text.isEmpty();
  }

  private static String token(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      throw BanLogException.permanent(
          "the token file " + file + " of the kubeconfig's user cannot be read", e);
    }
  }

  /** Name of the context. */
  public String context() {
    return context;
  }

  /** Of the context; else {@code default}. */
  public String namespace() {
    String namespace = config.getNamespace();
    return blank(namespace) ? DEFAULT_NAMESPACE : namespace;
  }

  /** Of the person; empty: he has none. */
  public Optional<String> token() {
    return Optional.ofNullable(config.getAutoOAuthToken()).filter(token -> !token.isEmpty());
  }

  /** Of the person, with its key; empty: he has none. */
  public Optional<KeyManager> certificate() {
    return certificate;
  }

  /**
   * A client with the rights of the person.
   *
   * @param namespace that it works in; the caller closes it
   */
  public KubernetesClient connect(String namespace) {
    Config own = config();
    own.setNamespace(namespace);
    return ClusterClients.of(own);
  }

  /** For this package; a copy. */
  Config config() {
    return new ConfigBuilder(config).build();
  }
}
