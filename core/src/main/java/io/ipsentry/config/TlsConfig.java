package io.ipsentry.config;

import java.nio.file.Path;
import java.util.Optional;

/**
 * TLS of a server. The files are read again when they change, so a rotated certificate needs no
 * restart.
 *
 * @param certificate PEM, the chain with the server's own certificate first
 * @param key PEM, PKCS#8, without a password
 * @param clientCa PEM; clients must show a certificate that one of these signed; empty: no client
 *     certificates
 */
public record TlsConfig(Path certificate, Path key, Optional<Path> clientCa) {}
