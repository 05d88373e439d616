package io.ipsentry.kubernetes.blocklist;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * What of an edit was not done, for the person who made it: each says what, where and how to mend
 * it. The first {@value #MAX_KEPT} are kept, the others counted. Confined to one thread.
 */
final class Complaints {
  /** Complaints kept. */
  static final int MAX_KEPT = 20;

  /** Room for {@code and 1000000 more}. */
  private static final int COUNT_BYTES = 24;

  private final List<String> kept = new ArrayList<>();
  private int all;

  void add(String complaint) {
    all++;
    if (kept.size() < MAX_KEPT) {
      kept.add(complaint);
    }
  }

  void addAll(Complaints others) {
    others.kept.forEach(this::add);
    all += others.all - others.kept.size();
  }

  /** The first of them. */
  List<String> kept() {
    return List.copyOf(kept);
  }

  boolean isEmpty() {
    return all == 0;
  }

  /**
   * All as one text; what there is no room for is counted.
   *
   * @param maxBytes most bytes of UTF-8; at least some hundred
   */
  String text(int maxBytes) {
    StringBuilder text = new StringBuilder();
    int told = 0;
    int bytes = 0;
    for (String complaint : kept) {
      String next = (told == 0 ? "" : "\n") + complaint;
      bytes += next.getBytes(StandardCharsets.UTF_8).length;
      if (bytes > maxBytes - COUNT_BYTES) {
        break;
      }
      text.append(next);
      told++;
    }
    if (told < all) {
      text.append("\nand ").append(all - told).append(" more");
    }
    return text.toString();
  }
}
