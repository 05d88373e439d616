package io.ipsentry.authz.verdict;

/** What is answered to a gateway. Immutable; safe for any thread. */
public sealed interface Judgement {
  /** The request goes on, and nothing of it is changed. Allocated once a reason. */
  record Allowed(Reason reason) implements Judgement {}

  /** The client is refused. */
  record Denied(Denial denial) implements Judgement {}

  /**
   * We cannot tell. Never a refusal of ours: the gateway's failure mode decides, or {@code
   * failOpen} where the gateway has none.
   *
   * @param cause a stable word for metrics, such as {@code not-synced}
   */
  record Unavailable(String cause) implements Judgement {}

  /** Why a request goes on. */
  enum Reason {
    /** Nothing speaks against it. */
    NOT_BANNED("not-banned"),
    /** The address is on the allowlist or never banned; no rule looked at it. */
    ADDRESS_ALLOWED("address-allowed"),
    /** A path of an inline rule lets it pass without any check. */
    PATH_ALLOWED("path-allowed"),
    /** The gateway named no usable client address. */
    NO_ADDRESS("no-address"),
    /** It would be refused, but the server, the policy or the rule is in shadow mode. */
    SHADOW("shadow"),
    /** The policy has {@code mode: off}. */
    OFF("off");

    private final String wireName;
    private final Allowed allowed = new Allowed(this);

    Reason(String wireName) {
      this.wireName = wireName;
    }

    /** Name in metrics. */
    public String wireName() {
      return wireName;
    }

    /** The judgement of this reason. */
    public Allowed allowed() {
      return allowed;
    }
  }
}
