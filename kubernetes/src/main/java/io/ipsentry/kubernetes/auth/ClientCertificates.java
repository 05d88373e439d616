package io.ipsentry.kubernetes.auth;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ClusterConnection;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Date;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import javax.naming.InvalidNameException;
import javax.naming.NamingException;
import javax.naming.directory.Attribute;
import javax.naming.directory.Attributes;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whose client certificate it is: one that the cluster's authority for clients has signed, as the
 * API server takes it. The user is its common name, the groups are its organizations; there is no
 * revocation, as there is none at the API server.
 *
 * <p>The authorities are what the API server tells aggregated servers: the ConfigMap {@code
 * extension-apiserver-authentication} in {@code kube-system}. It is read when it is first needed,
 * and again when what is known is older than {@link #REFRESH}, or older than {@link #IMPATIENT} and
 * has not signed a certificate. While it cannot be read, what was known holds: whether its user may
 * do anything is asked of the same API server. Safe for any thread; only the reading waits.
 */
public final class ClientCertificates {
  private static final Duration REFRESH = Duration.ofMinutes(1);
  private static final Duration IMPATIENT = Duration.ofSeconds(5);

  private static final String NAMESPACE = "kube-system";
  private static final String CONFIG_MAP = "extension-apiserver-authentication";
  private static final String KEY = "client-ca-file";

  /** Whoever is known is in this group, too. */
  private static final String AUTHENTICATED = "system:authenticated";

  /** id-kp-clientAuth (RFC 5280, 4.2.1.12); a certificate without any such purpose serves all. */
  private static final String CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

  private static final int MAX_CHAIN = 10;

  private static final Logger logger = LoggerFactory.getLogger(ClientCertificates.class);

  private final KubernetesClient client;
  private final InstantSource clock;
  private final LongSupplier ticker;
  private @Nullable Authorities authorities;

  /** What was read last; {@code anchors} is empty where the cluster has no such authority. */
  private record Authorities(Set<TrustAnchor> anchors, String pem, long readAt) {}

  /**
   * @param client of one who may read that ConfigMap; stays the caller's to close
   * @param clock tells which certificates are valid
   * @param ticker elapsed nanoseconds
   */
  public ClientCertificates(KubernetesClient client, InstantSource clock, LongSupplier ticker) {
    this.client = client;
    this.clock = clock;
    this.ticker = ticker;
  }

  /** The same of a connection, which stays the caller's to close. */
  public static ClientCertificates of(
      ClusterConnection connection, InstantSource clock, LongSupplier ticker) {
    return new ClientCertificates(connection.client(), clock, ticker);
  }

  /**
   * Looks at a certificate whose key its holder has proved to have.
   *
   * @param chain the certificate, then those that it came with, in any order
   * @throws ApiServerException if the authorities were never known, and cannot be read now
   */
  public Authentication look(List<X509Certificate> chain) {
    Authorities known = authorities(REFRESH);
    Optional<String> fault = fault(chain, known);
    if (fault.isPresent()) {
      Authorities newer = authorities(IMPATIENT);
      if (!newer.pem().equals(known.pem())) {
        fault = fault(chain, newer);
      }
    }
    return fault.isPresent() ? new Authentication.Unknown(fault.get()) : user(chain.getFirst());
  }

  /** What is known, read again if it is older. */
  private synchronized Authorities authorities(Duration age) {
    Authorities known = authorities;
    long now = ticker.getAsLong();
    if (known != null && now - known.readAt() < age.toNanos()) {
      return known;
    }
    try {
      known = read(now);
    } catch (ApiServerException e) {
      if (known == null) {
        throw e;
      }
      logger.atWarn().setCause(e).log("authorities of clients not read again, those known hold");
      known = new Authorities(known.anchors(), known.pem(), now);
    }
    authorities = known;
    return known;
  }

  private Authorities read(long now) {
    ConfigMap map =
        Reviews.asking(
            "read the cluster's authorities of clients",
            "bind its service account to the Role extension-apiserver-authentication-reader in"
                + " kube-system",
            () -> client.configMaps().inNamespace(NAMESPACE).withName(CONFIG_MAP).get());
    Map<String, String> data =
        map == null ? Map.of() : Objects.requireNonNullElse(map.getData(), Map.of());
    String pem = data.getOrDefault(KEY, "");
    Set<TrustAnchor> anchors = new HashSet<>();
    try {
      for (Certificate certificate :
          CertificateFactory.getInstance("X.509")
              .generateCertificates(
                  new ByteArrayInputStream(pem.getBytes(StandardCharsets.UTF_8)))) {
        anchors.add(new TrustAnchor((X509Certificate) certificate, null));
      }
    } catch (CertificateException e) {
      throw new ApiServerException(
          ApiServerException.Reason.UNAVAILABLE,
          KEY + " of " + NAMESPACE + "/" + CONFIG_MAP + " holds no certificates",
          e);
    }
    return new Authorities(anchors, pem, now);
  }

  /** Why a certificate is not taken; empty: it is. */
  private Optional<String> fault(List<X509Certificate> chain, Authorities known) {
    if (known.anchors().isEmpty()) {
      return Optional.of("the cluster has no authority for client certificates");
    }
    if (chain.isEmpty() || chain.size() > MAX_CHAIN) {
      return Optional.of("a chain has 1 to " + MAX_CHAIN + " certificates");
    }
    try {
      X509CertSelector own = new X509CertSelector();
      own.setCertificate(chain.getFirst());
      own.setExtendedKeyUsage(Set.of(CLIENT_AUTH));
      PKIXBuilderParameters parameters = new PKIXBuilderParameters(known.anchors(), own);
      parameters.setRevocationEnabled(false);
      parameters.setDate(Date.from(clock.instant()));
      parameters.addCertStore(
          CertStore.getInstance("Collection", new CollectionCertStoreParameters(chain)));
      var ignored = CertPathBuilder.getInstance("PKIX").build(parameters);
      return Optional.empty();
    } catch (CertPathBuilderException e) {
      return Optional.of(
          "the client certificate is not signed by the cluster's authority for clients, is not"
              + " valid now, or is not for clients");
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("every JDK has PKIX", e);
    }
  }

  private static Authentication user(X509Certificate certificate) {
    String name = "";
    List<String> groups = new ArrayList<>();
    try {
      // In the order of the certificate. Several organizations may be one part of the name.
      for (Rdn part : new LdapName(certificate.getSubjectX500Principal().getName()).getRdns()) {
        Attributes attributes = part.toAttributes();
        List<String> names = values(attributes, "CN");
        name = names.isEmpty() ? name : names.getLast();
        groups.addAll(values(attributes, "O"));
      }
    } catch (InvalidNameException e) {
      return new Authentication.Unknown("the subject of the client certificate cannot be read");
    } catch (NamingException e) {
      throw new IllegalStateException("attributes in memory can be read", e);
    }
    if (name.isEmpty()) {
      return new Authentication.Unknown("the client certificate has no common name");
    }
    if (!groups.contains(AUTHENTICATED)) {
      groups.add(AUTHENTICATED);
    }
    return new Authentication.Known(new ClusterUser(name, "", groups, Map.of()));
  }

  private static List<String> values(Attributes attributes, String type) throws NamingException {
    Attribute attribute = attributes.get(type);
    if (attribute == null) {
      return List.of();
    }
    return Collections.list(attribute.getAll()).stream()
        .filter(String.class::isInstance)
        .map(String.class::cast)
        .toList();
  }
}
