package io.ipsentry.line;

import org.jspecify.annotations.Nullable;

/**
 * What one log line says, as views of its bytes; filled by a {@link LineFormat} and read by the
 * rules.
 *
 * <p>Three fields may hold an address, and which of them is the client is decided later, by the
 * {@code ClientAddressResolver}:
 *
 * <ul>
 *   <li>{@link #client()}: the address the gateway itself vouches for (nginx {@code $remote_addr},
 *       Envoy {@code downstream_remote_address}, the group {@code addr} of an expression); may
 *       carry a port or brackets;
 *   <li>{@link #peer()}: the source of the packets, where the line logs it beside the client (nginx
 *       {@code $realip_remote_addr}, Traefik {@code ClientAddr});
 *   <li>{@link #forwardedFor()}: an {@code X-Forwarded-For} list, leftmost first, of which only
 *       what trusted proxies appended may be believed (Traefik {@code ClientHost}).
 * </ul>
 *
 * <p>Mutable and reused: valid until the next line is parsed. Confined to one thread.
 */
public final class RequestFacts {
  /** Stands for a time that the line does not give. */
  public static final long NO_TIME = Long.MIN_VALUE;

  private final Slice line = new Slice();
  private final Slice client = new Slice();
  private final Slice peer = new Slice();
  private final Slice forwardedFor = new Slice();
  private final Slice time = new Slice();
  private final Slice method = new Slice();
  private final Slice host = new Slice();
  private final Slice target = new Slice();
  private final Slice userAgent = new Slice();
  private TimestampFormat timeFormat = TimestampFormat.NONE;
  private long runtimeMillis = NO_TIME;
  private int status;
  private int originStatus;
  private boolean ownDenial;
  private boolean authFailure;
  private @Nullable Failure failure;
  private boolean addressAmbiguous;
  private boolean ruledOut;
  private Relevance relevance = Relevance.ALL;

  /**
   * Forgets the line before, but not {@link #runtimeMillis()}, which is set before the format runs,
   * nor {@link #relevance()}.
   */
  public void clear() {
    line.clear();
    client.clear();
    peer.clear();
    forwardedFor.clear();
    time.clear();
    method.clear();
    host.clear();
    target.clear();
    userAgent.clear();
    timeFormat = TimestampFormat.NONE;
    status = 0;
    originStatus = 0;
    ownDenial = false;
    authFailure = false;
    failure = null;
    addressAmbiguous = false;
    ruledOut = false;
  }

  /** The whole line, without a container wrapper and without its line end. */
  public Slice line() {
    return line;
  }

  public Slice client() {
    return client;
  }

  public Slice peer() {
    return peer;
  }

  public Slice forwardedFor() {
    return forwardedFor;
  }

  /** The time stamp as it stands in the line; read with {@link #timeFormat()} only for a hit. */
  public Slice time() {
    return time;
  }

  public Slice method() {
    return method;
  }

  /** Host as the client named it, with its port if it sent one. */
  public Slice host() {
    return host;
  }

  /** Request target with its query, not decoded (RFC 9112 section 3.2), or absent. */
  public Slice target() {
    return target;
  }

  public Slice userAgent() {
    return userAgent;
  }

  public TimestampFormat timeFormat() {
    return timeFormat;
  }

  public void timeFormat(TimestampFormat format) {
    timeFormat = format;
  }

  /** Stamp of the container runtime in epoch milliseconds, or {@link #NO_TIME}. */
  public long runtimeMillis() {
    return runtimeMillis;
  }

  public void runtimeMillis(long millis) {
    runtimeMillis = millis;
  }

  /** Status the client got; 0 when the line has none. */
  public int status() {
    return status;
  }

  public void status(int status) {
    this.status = status;
  }

  /** Status of the backend (Traefik {@code OriginStatus}); 0 when there was no backend. */
  public int originStatus() {
    return originStatus;
  }

  public void originStatus(int status) {
    originStatus = status;
  }

  /** True when the line shows a request that ip-sentry itself refused; such a line never counts. */
  public boolean ownDenial() {
    return ownDenial;
  }

  public void ownDenial(boolean denied) {
    ownDenial = denied;
  }

  /** True when the format itself knows the line as a failed login (sshd, application lines). */
  public boolean authFailure() {
    return authFailure;
  }

  public void authFailure(boolean failure) {
    authFailure = failure;
  }

  /** What the filter of the source found in the line; null: nothing, or there is no filter. */
  public @Nullable Failure failure() {
    return failure;
  }

  public void failure(@Nullable Failure found) {
    failure = found;
  }

  /**
   * True when the client could have written the part of the line that holds the address, and it
   * cannot be told: the format does not escape what clients send. No address of such a line is
   * believed.
   */
  public boolean addressAmbiguous() {
    return addressAmbiguous;
  }

  public void addressAmbiguous(boolean ambiguous) {
    addressAmbiguous = ambiguous;
  }

  /** What a format may ask whether to read on; {@link Relevance#ALL} unless it was set. */
  public Relevance relevance() {
    return relevance;
  }

  /** Sets what a format may ask whether to read on, for all lines to come. */
  public void relevance(Relevance rules) {
    relevance = rules;
  }

  /**
   * True when the line is no hit by {@link #relevance()} and was not read to its end; the facts are
   * those that were read until then.
   */
  public boolean ruledOut() {
    return ruledOut;
  }

  void ruledOut(boolean out) {
    ruledOut = out;
  }

  /**
   * When the request happened: the container runtime's stamp, else the line's own, else {@code
   * observedAtMillis}. A stamp more than {@value #MAX_AHEAD_MILLIS} ms ahead of the clock is taken
   * as now.
   *
   * @param observedAtMillis when the line was read, epoch milliseconds; in a replay {@link
   *     Long#MAX_VALUE}, so that nothing is ahead
   * @return epoch milliseconds; {@link #NO_TIME} when the line has no stamp and {@code
   *     observedAtMillis} is {@link Long#MAX_VALUE}
   */
  public long eventTimeMillis(long observedAtMillis) {
    long at = runtimeMillis;
    if (at == NO_TIME && time.isPresent()) {
      at = timeFormat.parse(time.array(), time.from(), time.to());
    }
    if (at == NO_TIME) {
      return observedAtMillis == Long.MAX_VALUE ? NO_TIME : observedAtMillis;
    }
    boolean ahead = observedAtMillis != Long.MAX_VALUE && at - observedAtMillis > MAX_AHEAD_MILLIS;
    return ahead ? observedAtMillis : at;
  }

  /** A stamp further ahead of the clock than this is taken as now, in milliseconds. */
  public static final long MAX_AHEAD_MILLIS = 5_000;
}
