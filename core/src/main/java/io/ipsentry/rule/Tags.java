package io.ipsentry.rule;

import io.ipsentry.net.PrefixSet;
import java.util.Collection;
import java.util.List;

/**
 * Addresses of which less is tolerated: {@code threshold} and {@code distinct} of every rule are
 * multiplied by a factor for them, and rounded up; {@code distinct} not below 2. Immutable.
 */
public final class Tags {
  /** Nobody is tagged. */
  public static final Tags NONE = new Tags(List.of());

  /** Factor of an address that is not tagged. */
  static final double WHOLE = 1;

  private final List<Tagged> all;

  /**
   * Addresses with one factor.
   *
   * @param factor above 0, below 1
   */
  public record Tagged(PrefixSet prefixes, double factor) {
    public Tagged {
      if (!(factor > 0 && factor < 1)) {
        throw new IllegalArgumentException("a factor is above 0 and below 1, is " + factor);
      }
    }
  }

  private Tags(List<Tagged> all) {
    this.all = all;
  }

  /** Of these; where several hold an address, the smallest factor counts. */
  public static Tags of(Collection<Tagged> tagged) {
    List<Tagged> some = tagged.stream().filter(each -> !each.prefixes().isEmpty()).toList();
    return some.isEmpty() ? NONE : new Tags(some);
  }

  /** What the thresholds of an address are multiplied by. Allocates nothing. */
  double factor(long hi, long lo) {
    double factor = WHOLE;
    for (int i = 0; i < all.size(); i++) {
      Tagged tagged = all.get(i);
      if (tagged.factor() < factor && tagged.prefixes().contains(hi, lo)) {
        factor = tagged.factor();
      }
    }
    return factor;
  }
}
