package io.ipsentry.authz.admin;

import io.grpc.Context;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Who makes a call over TCP.
 *
 * @param identity as events and reporters have it; empty: somebody at the Unix socket of another
 *     replica
 * @param author what becomes of {@code by} of its requests
 * @param forwarded whether another replica has passed the call on, so that it must not be passed on
 *     again
 */
record Caller(Optional<String> identity, Author author, boolean forwarded) {
  /** Of the call at hand; absent on the Unix socket, where callers are believed. */
  static final Context.Key<Caller> CURRENT = Context.key("ip-sentry-caller");

  /** Longest name of a user that is kept as it is; as long as {@code by} of an event. */
  private static final int MAX_USER_CHARS = 64;

  private static final int DIGEST_CHARS = 16;

  /** Who is noted as the author of a change. */
  enum Author {
    /** Who was recognised, a slash, and what the caller says. */
    IDENTITY_AND_TOLD,
    /** Who was recognised, alone. */
    IDENTITY,
    /** What the caller says: a replica that has worked it out. */
    TOLD
  }

  /** One of whom we know a name, and who says more of himself. */
  static Caller named(String identity, boolean forwarded) {
    return new Caller(Optional.of(identity), Author.IDENTITY_AND_TOLD, forwarded);
  }

  /** A user of the cluster. */
  static Caller user(String name) {
    return new Caller(Optional.of(identity(name)), Author.IDENTITY, false);
  }

  /**
   * A call that a trusted replica passes on.
   *
   * @param identity of its caller, as it was there; empty: its Unix socket
   */
  static Caller onBehalfOf(String identity) {
    return new Caller(
        identity.isEmpty() ? Optional.empty() : Optional.of(identity), Author.TOLD, true);
  }

  /** Who acts, given what the caller says of it. */
  String by(String told) {
    return switch (author) {
      case TOLD -> told;
      case IDENTITY -> identity.orElse(told);
      case IDENTITY_AND_TOLD -> identity.map(known -> known + "/" + told).orElse(told);
    };
  }

  /**
   * A user's name as an identity: different names have different ones. One that is long, or that
   * would not show as it is, is shortened and gets a digest.
   */
  private static String identity(String user) {
    if (user.length() <= MAX_USER_CHARS && user.codePoints().allMatch(Caller::shows)) {
      return user;
    }
    StringBuilder shown = new StringBuilder(MAX_USER_CHARS);
    user.codePoints()
        .limit(MAX_USER_CHARS - DIGEST_CHARS - 1)
        .map(c -> c <= ' ' || c > '~' ? '_' : c)
        .forEach(shown::appendCodePoint);
    return shown + "~" + digest(user);
  }

  private static boolean shows(int c) {
    return c > ' ' && Character.isDefined(c) && !Character.isISOControl(c);
  }

  private static String digest(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)))
          .substring(0, DIGEST_CHARS);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
