package io.ipsentry.kubernetes.policy;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * {@code status.ancestors} of a policy: others' entries as they are and in their places, ours
 * behind them, 16 at most. What has not changed keeps its time. Pure.
 */
final class AncestorStatuses {
  /** What the API has room for. */
  static final int MAX_ANCESTORS = 16;

  private static final String GROUP = "gateway.networking.k8s.io";

  private AncestorStatuses() {}

  /**
   * How it stands with a policy below one ancestor.
   *
   * @param ancestor a Gateway; a target that is not below any
   */
  record Entry(Point ancestor, List<Condition> conditions) {
    Entry {
      conditions = List.copyOf(conditions);
    }
  }

  /** One of {@code Accepted}, {@code ResolvedRefs}, {@code Programmed}. */
  record Condition(String type, boolean status, String reason, String message) {}

  /**
   * The list as it is to be.
   *
   * @param before as it is
   * @param entries ours, in order; those for which there is no room are left out, and the last one
   *     that has says so
   * @param controller by which ours are known
   */
  static List<Map<String, Object>> of(
      List<Map<String, Object>> before,
      List<Entry> entries,
      String controller,
      long generation,
      Instant now) {
    List<Map<String, Object>> all = new ArrayList<>();
    List<Map<String, Object>> ours = new ArrayList<>();
    for (Map<String, Object> entry : before) {
      (controller.equals(entry.get("controllerName")) ? ours : all).add(entry);
    }
    int room = MAX_ANCESTORS - all.size();
    int shown = Math.min(room, entries.size());
    for (int i = 0; i < shown; i++) {
      String more =
          i == shown - 1 && shown < entries.size()
              ? "; " + (entries.size() - shown) + " more ancestors have no room here"
              : "";
      all.add(entry(entries.get(i), more, ours, controller, generation, now));
    }
    return all;
  }

  private static Map<String, Object> entry(
      Entry entry,
      String more,
      List<Map<String, Object>> before,
      String controller,
      long generation,
      Instant now) {
    Map<String, Object> ref = new LinkedHashMap<>();
    ref.put("group", GROUP);
    ref.put("kind", entry.ancestor().kind().apiKind());
    ref.put("namespace", entry.ancestor().namespace());
    ref.put("name", entry.ancestor().name());
    List<?> known =
        before.stream()
            .filter(each -> ref.equals(each.get("ancestorRef")))
            .map(each -> each.get("conditions"))
            .filter(List.class::isInstance)
            .map(List.class::cast)
            .findFirst()
            .orElse(List.of());
    List<Map<String, Object>> conditions = new ArrayList<>();
    for (Condition condition : entry.conditions()) {
      conditions.add(condition(condition, more, known, generation, now));
    }
    Map<String, Object> whole = new LinkedHashMap<>();
    whole.put("ancestorRef", ref);
    whole.put("controllerName", controller);
    whole.put("conditions", conditions);
    return whole;
  }

  private static Map<String, Object> condition(
      Condition condition, String more, List<?> known, long generation, Instant now) {
    String status = condition.status() ? "True" : "False";
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("type", condition.type());
    map.put("status", status);
    map.put("reason", condition.reason());
    map.put("message", condition.message() + (condition.type().equals("Programmed") ? more : ""));
    map.put("observedGeneration", generation);
    map.put("lastTransitionTime", now.truncatedTo(ChronoUnit.SECONDS).toString());
    for (Object each : known) {
      if (each instanceof Map<?, ?> old
          && condition.type().equals(old.get("type"))
          && status.equals(old.get("status"))
          && old.get("lastTransitionTime") != null) {
        map.put("lastTransitionTime", old.get("lastTransitionTime"));
      }
    }
    return map;
  }

  /** Whether two lists say the same, however their numbers are kept. */
  static boolean same(@Nullable Object a, @Nullable Object b) {
    if (a instanceof Map<?, ?> left && b instanceof Map<?, ?> right) {
      return left.keySet().equals(right.keySet())
          && left.keySet().stream().allMatch(key -> same(left.get(key), right.get(key)));
    }
    if (a instanceof List<?> left && b instanceof List<?> right) {
      if (left.size() != right.size()) {
        return false;
      }
      for (int i = 0; i < left.size(); i++) {
        if (!same(left.get(i), right.get(i))) {
          return false;
        }
      }
      return true;
    }
    if (a instanceof Number left && b instanceof Number right) {
      return left.longValue() == right.longValue();
    }
    return Objects.equals(a, b);
  }
}
