package io.ipsentry.authz.http;

import io.ipsentry.authz.verdict.GatewayRequest;
import io.ipsentry.authz.verdict.RequestJudge;
import io.ipsentry.line.Slice;
import io.ipsentry.net.Address;
import io.ipsentry.net.AddressParser;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.util.AsciiString;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads a call into a {@link GatewayRequest}.
 *
 * <ul>
 *   <li>{@code /forward-auth}: method, host and target are {@code X-Forwarded-Method}, {@code
 *       X-Forwarded-Host} and {@code X-Forwarded-Uri}. If none of the first and last is there, they
 *       are {@code X-Original-Method} and {@code X-Original-URI}, else these are not read: Traefik
 *       and Caddy pass on what a client sends under those names.
 *   <li>{@code /ext-authz/…}: method, {@code Host} and the rest of the target are the client's own.
 *   <li>Either below {@code /policies/NAME}, which names the policy; else it is the default one.
 *   <li>{@code X-Forwarded-For}: several headers are one list, in their order. If its last element
 *       is the caller's own address, and not the only one, the call itself added it (Envoy does)
 *       and it is left out.
 *   <li>The peer is the caller's own address.
 * </ul>
 *
 * <p>Of other headers that are there twice, the last counts: a gateway that adds instead of
 * replacing puts its own behind the client's. Of a list in {@code X-Forwarded-Host}, too.
 *
 * <p>A header's bytes are taken as they are, whatever their encoding. Allocates nothing once its
 * buffer is as large as the largest call. Confined to one thread.
 */
final class RequestMapping {
  private static final String POLICIES = "/policies/";
  private static final String FORWARD_AUTH = "/forward-auth";
  private static final String EXT_AUTHZ = "/ext-authz";
  private static final String HEALTH = "/healthz";
  private static final String READINESS = "/readyz";

  private static final AsciiString HOST = AsciiString.cached("host");
  private static final AsciiString USER_AGENT = AsciiString.cached("user-agent");
  private static final AsciiString FORWARDED_FOR = AsciiString.cached("x-forwarded-for");
  private static final AsciiString FORWARDED_URI = AsciiString.cached("x-forwarded-uri");
  private static final AsciiString FORWARDED_HOST = AsciiString.cached("x-forwarded-host");
  private static final AsciiString FORWARDED_METHOD = AsciiString.cached("x-forwarded-method");
  private static final AsciiString ORIGINAL_URI = AsciiString.cached("x-original-uri");
  private static final AsciiString ORIGINAL_METHOD = AsciiString.cached("x-original-method");
  private static final AsciiString TOKEN = AsciiString.cached("x-ip-sentry-token");

  private static final int INITIAL_BYTES = 1024;

  private final Address last = new Address();
  private final List<CharSequence> forwardedFor = new ArrayList<>();
  private final Slice tokenBytes = new Slice();
  private byte[] bytes = new byte[INITIAL_BYTES];
  private byte[] policy = {};
  private int used;
  private int policyStart;
  private int policyEnd;
  private int targetStart;

  private @Nullable CharSequence host;
  private @Nullable CharSequence userAgent;
  private @Nullable CharSequence forwardedUri;
  private @Nullable CharSequence forwardedHost;
  private @Nullable CharSequence forwardedMethod;
  private @Nullable CharSequence originalUri;
  private @Nullable CharSequence originalMethod;
  private @Nullable CharSequence clientHeader;
  private @Nullable CharSequence token;
  private int hosts;

  /** What the target of a call stands for; {@link #read} goes by the answer. */
  Route route(String target) {
    policyStart = 0;
    policyEnd = 0;
    int at = 0;
    if (target.startsWith(POLICIES)) {
      policyStart = POLICIES.length();
      policyEnd = target.indexOf('/', policyStart);
      if (policyEnd <= policyStart) {
        return Route.NONE;
      }
      at = policyEnd;
    }
    if (isPath(target, at, FORWARD_AUTH)) {
      return Route.FORWARD_AUTH;
    }
    if (target.startsWith(EXT_AUTHZ, at)) {
      targetStart = at + EXT_AUTHZ.length();
      // "OPTIONS *" has no slash.
      char next = targetStart < target.length() ? target.charAt(targetStart) : '/';
      return next == '/' || next == '?' || next == '*' ? Route.EXT_AUTHZ : Route.NONE;
    }
    if (at == 0 && isPath(target, 0, HEALTH)) {
      return Route.HEALTH;
    }
    return at == 0 && isPath(target, 0, READINESS) ? Route.READINESS : Route.NONE;
  }

  private static boolean isPath(String target, int from, String path) {
    int end = from + path.length();
    return target.startsWith(path, from) && (target.length() == end || target.charAt(end) == '?');
  }

  /**
   * Reads a call.
   *
   * @param route what {@link #route} said of its target, {@link Route#FORWARD_AUTH} or {@link
   *     Route#EXT_AUTHZ}
   * @param peer the caller
   * @param judge says which header names the client
   * @param into valid until the next call is read
   */
  void read(HttpRequest call, Route route, Peer peer, RequestJudge judge, GatewayRequest into) {
    into.clear();
    used = 0;
    String uri = call.uri();
    readPolicy(uri, into.policy());
    scan(call.headers(), judge.clientHeader(into));

    CharSequence method = call.method().asciiName();
    CharSequence namedHost = host;
    CharSequence target = uri;
    int from = targetStart;
    if (route == Route.FORWARD_AUTH) {
      boolean forwarded = forwardedMethod != null || forwardedUri != null;
      method = forwarded ? forwardedMethod : originalMethod;
      target = forwarded ? forwardedUri : originalUri;
      namedHost = forwardedHost;
      from = 0;
    }
    reserve(
        length(method)
            + length(namedHost)
            + length(target)
            + length(userAgent)
            + length(clientHeader)
            + length(token)
            + forwardedLength());
    copy(method, 0, into.method());
    copy(namedHost, 0, into.host());
    if (target != null && from < target.length()) {
      copy(target, from, into.target());
    }
    copy(userAgent, 0, into.userAgent());
    copy(clientHeader, 0, into.clientHeader());
    copy(token, 0, tokenBytes);
    if (peer.isKnown()) {
      into.peer().set(peer.bytes(), 0, peer.bytes().length);
    }
    joinForwardedFor(into.forwardedFor());
    dropOwnHop(into.forwardedFor(), peer);
    if (route == Route.FORWARD_AUTH) {
      keepLastElement(into.host());
    }
  }

  /** The token that the caller sent with the call that was read last; absent: none. */
  Slice token() {
    return tokenBytes;
  }

  /** How many {@code Host} headers the call that was read last has; more than one is an attack. */
  int hosts() {
    return hosts;
  }

  private void readPolicy(String uri, Slice into) {
    int length = policyEnd - policyStart;
    if (length <= 0) {
      return;
    }
    if (policy.length < length) {
      policy = new byte[length];
    }
    latin1(uri, policyStart, policyEnd, policy, 0);
    into.set(policy, 0, length);
  }

  private void scan(HttpHeaders headers, String clientHeaderName) {
    host = null;
    userAgent = null;
    forwardedUri = null;
    forwardedHost = null;
    forwardedMethod = null;
    originalUri = null;
    originalMethod = null;
    clientHeader = null;
    token = null;
    hosts = 0;
    forwardedFor.clear();
    Iterator<Map.Entry<CharSequence, CharSequence>> entries = headers.iteratorCharSequence();
    while (entries.hasNext()) {
      Map.Entry<CharSequence, CharSequence> entry = entries.next();
      CharSequence name = entry.getKey();
      CharSequence value = entry.getValue();
      if (!clientHeaderName.isEmpty() && is(name, clientHeaderName)) {
        clientHeader = value;
      }
      take(name, value);
    }
  }

  private void take(CharSequence name, CharSequence value) {
    switch (name.length()) {
      case 4 -> {
        if (is(name, HOST)) {
          host = value;
          hosts++;
        }
      }
      case 10 -> userAgent = is(name, USER_AGENT) ? value : userAgent;
      case 14 -> originalUri = is(name, ORIGINAL_URI) ? value : originalUri;
      case 15 -> {
        if (is(name, FORWARDED_FOR)) {
          forwardedFor.add(value);
        } else if (is(name, FORWARDED_URI)) {
          forwardedUri = value;
        }
      }
      case 16 -> forwardedHost = is(name, FORWARDED_HOST) ? value : forwardedHost;
      case 17 -> {
        if (is(name, ORIGINAL_METHOD)) {
          originalMethod = value;
        } else if (is(name, TOKEN)) {
          token = value;
        }
      }
      case 18 -> forwardedMethod = is(name, FORWARDED_METHOD) ? value : forwardedMethod;
      default -> {
        // Any other header says nothing about the request.
      }
    }
  }

  private static boolean is(CharSequence name, CharSequence wanted) {
    return AsciiString.contentEqualsIgnoreCase(name, wanted);
  }

  private int forwardedLength() {
    int length = 0;
    for (int i = 0; i < forwardedFor.size(); i++) {
      length += forwardedFor.get(i).length() + 1;
    }
    return length;
  }

  private void joinForwardedFor(Slice into) {
    if (forwardedFor.isEmpty()) {
      return;
    }
    int start = used;
    for (int i = 0; i < forwardedFor.size(); i++) {
      if (i > 0) {
        bytes[used++] = ',';
      }
      CharSequence list = forwardedFor.get(i);
      latin1(list, 0, list.length(), bytes, used);
      used += list.length();
    }
    into.set(bytes, start, used);
  }

  private void dropOwnHop(Slice list, Peer peer) {
    int comma = lastComma(list);
    if (comma < list.from()) {
      return;
    }
    boolean own =
        AddressParser.parseHostPort(list.array(), comma + 1, list.to(), last) && peer.is(last);
    if (own && !isBlank(list, comma)) {
      list.set(list.array(), list.from(), comma);
    }
  }

  /** Whether there is nothing but commas and blanks before {@code end}. */
  private static boolean isBlank(Slice list, int end) {
    for (int i = list.from(); i < end; i++) {
      byte b = list.array()[i];
      if (b != ',' && b != ' ' && b != '\t') {
        return false;
      }
    }
    return true;
  }

  private static void keepLastElement(Slice list) {
    int start = lastComma(list) + 1;
    if (start > list.from()) {
      while (start < list.to() && list.array()[start] == ' ') {
        start++;
      }
      list.set(list.array(), start, list.to());
    }
  }

  /** Position of the last comma; one before the list if there is none. */
  private static int lastComma(Slice list) {
    int at = list.to() - 1;
    while (at >= list.from() && list.array()[at] != ',') {
      at--;
    }
    return list.isPresent() ? at : list.from() - 1;
  }

  private static int length(@Nullable CharSequence text) {
    return text == null ? 0 : text.length();
  }

  /** Nothing moves while a call is copied, so that views of what is there stay right. */
  private void reserve(int length) {
    if (bytes.length < length) {
      bytes = new byte[Math.max(length, 2 * bytes.length)];
    }
  }

  private void copy(@Nullable CharSequence text, int from, Slice into) {
    if (text == null) {
      into.clear();
      return;
    }
    int start = used;
    latin1(text, from, text.length(), bytes, start);
    used += text.length() - from;
    into.set(bytes, start, used);
  }

  /** Writes characters as bytes; the decoder made one character of each byte. */
  @SuppressWarnings("deprecation") // the only copy of Latin-1 characters that allocates nothing
  private static void latin1(CharSequence text, int from, int to, byte[] into, int at) {
    switch (text) {
      case String string -> string.getBytes(from, to, into, at);
      case AsciiString ascii -> ascii.copy(from, into, at, to - from);
      default -> {
        for (int i = from; i < to; i++) {
          into[at + i - from] = (byte) text.charAt(i);
        }
      }
    }
  }
}
