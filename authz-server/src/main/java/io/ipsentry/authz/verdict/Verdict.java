package io.ipsentry.authz.verdict;

/** What is counted of judgements: the reasons to let a request go on, and those not to. */
public enum Verdict {
  NOT_BANNED("not-banned"),
  ADDRESS_ALLOWED("address-allowed"),
  PATH_ALLOWED("path-allowed"),
  NO_ADDRESS("no-address"),
  /** It would have been refused, but for shadow mode. */
  SHADOW("shadow"),
  /** Not judged: the policy has {@code mode: off}. */
  OFF("off"),
  /** Refused because of a ban. */
  BANNED("banned"),
  /** Refused because of its path. */
  BLOCKED("blocked"),
  NOT_SYNCED("not-synced"),
  /** Something of ours failed. */
  ERROR("error");

  private final String wireName;

  Verdict(String wireName) {
    this.wireName = wireName;
  }

  /** Name in metrics. */
  public String wireName() {
    return wireName;
  }

  static Verdict of(Judgement.Reason reason) {
    return switch (reason) {
      case NOT_BANNED -> NOT_BANNED;
      case ADDRESS_ALLOWED -> ADDRESS_ALLOWED;
      case PATH_ALLOWED -> PATH_ALLOWED;
      case NO_ADDRESS -> NO_ADDRESS;
      case SHADOW -> SHADOW;
      case OFF -> OFF;
    };
  }
}
