package io.ipsentry.testing.cluster;

import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Map;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * Asks a server whether it is ready.
 *
 * @param server the API server
 * @param token a user who may ask
 * @param certificate PEM, what the server shows; it may not be there yet
 */
record Probe(URI server, String token, Path certificate) {
  private static final int TIMEOUT_MILLIS = 2_000;

  /** Whether all of the API server's own checks are content. */
  boolean isReady() {
    if (!Files.exists(certificate)) {
      return false;
    }
    try {
      HttpsURLConnection connection =
          (HttpsURLConnection) server.resolve("/readyz").toURL().openConnection();
      connection.setSSLSocketFactory(trusting(certificate).getSocketFactory());
      connection.setRequestProperty("Authorization", "Bearer " + token);
      return answersOk(connection);
    } catch (IOException | GeneralSecurityException e) {
      // Not yet; who waits gives up in time, and shows the server's log.
      return false;
    }
  }

  /** Status of what it answers to a GET with these headers, and without the token. */
  int status(String path, Map<String, String> headers) throws IOException {
    try {
      HttpsURLConnection connection =
          (HttpsURLConnection) server.resolve(path).toURL().openConnection();
      connection.setSSLSocketFactory(trusting(certificate).getSocketFactory());
      headers.forEach(connection::setRequestProperty);
      connection.setConnectTimeout(TIMEOUT_MILLIS);
      connection.setReadTimeout(TIMEOUT_MILLIS);
      try {
        return connection.getResponseCode();
      } finally {
        connection.disconnect();
      }
    } catch (GeneralSecurityException e) {
      throw new IOException("the certificate of the API server cannot be trusted", e);
    }
  }

  /** Whether etcd has a leader and takes writes. */
  static boolean isHealthy(URI etcd) {
    try {
      return answersOk((HttpURLConnection) etcd.resolve("/health").toURL().openConnection());
    } catch (IOException e) {
      // Not yet, as above.
      return false;
    }
  }

  private static boolean answersOk(HttpURLConnection connection) throws IOException {
    connection.setConnectTimeout(TIMEOUT_MILLIS);
    connection.setReadTimeout(TIMEOUT_MILLIS);
    try {
      return connection.getResponseCode() == HttpURLConnection.HTTP_OK;
    } finally {
      connection.disconnect();
    }
  }

  private static SSLContext trusting(Path certificate)
      throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (InputStream in = Files.newInputStream(certificate)) {
      int number = 0;
      for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        store.setCertificateEntry("certificate" + number++, one);
      }
    }
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, factory.getTrustManagers(), null);
    return context;
  }
}
