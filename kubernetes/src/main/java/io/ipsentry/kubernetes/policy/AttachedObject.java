package io.ipsentry.kubernetes.policy;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An object of a gateway's own kind by which it asks somebody: one that is there, or one that is to
 * be.
 *
 * @param version its {@code resourceVersion}; empty: it is to be made
 * @param labels those that we look at
 * @param annotations those that we look at
 * @param owner the policy of the same namespace that it goes with; null: none
 * @param spec as JSON
 */
record AttachedObject(
    AttachedKind kind,
    String namespace,
    String name,
    String version,
    Map<String, String> labels,
    Map<String, String> annotations,
    @Nullable Owner owner,
    Map<String, Object> spec) {
  AttachedObject {
    labels = Map.copyOf(labels);
    annotations = Map.copyOf(annotations);
    spec = Map.copyOf(spec);
  }

  /** A BanPolicy. */
  record Owner(String name, String uid) {}

  /** The same, in place of a version. */
  AttachedObject at(String known) {
    return new AttachedObject(kind, namespace, name, known, labels, annotations, owner, spec);
  }

  /** What it is found by. */
  record Key(AttachedKind kind, String namespace, String name) {}

  Key key() {
    return new Key(kind, namespace, name);
  }

  /** {@code KIND.GROUP/NAME}, as rules of routes name it. */
  String filterName() {
    return kind.kind() + '.' + kind.group() + '/' + name;
  }

  /** For people. */
  String title() {
    return kind.kind() + ' ' + namespace + '/' + name;
  }

  /**
   * Whether this says what another one, which is to be, says: that may have more, as the API server
   * adds defaults.
   */
  boolean says(AttachedObject wanted) {
    return labels.entrySet().containsAll(wanted.labels.entrySet())
        && annotations.entrySet().containsAll(wanted.annotations.entrySet())
        && Objects.equals(owner, wanted.owner)
        && holds(spec, wanted.spec);
  }

  private static boolean holds(@Nullable Object is, @Nullable Object wanted) {
    if (wanted instanceof Map<?, ?> keys) {
      return is instanceof Map<?, ?> has
          && keys.entrySet().stream()
              .allMatch(entry -> holds(has.get(entry.getKey()), entry.getValue()));
    }
    if (wanted instanceof List<?> items) {
      if (!(is instanceof List<?> has) || has.size() != items.size()) {
        return false;
      }
      for (int i = 0; i < items.size(); i++) {
        if (!holds(has.get(i), items.get(i))) {
          return false;
        }
      }
      return true;
    }
    // Numbers come back as another type of number.
    return String.valueOf(is).equals(String.valueOf(wanted));
  }

  /** Targets of its {@code spec.targetRefs}. */
  Set<Point> targets() {
    Set<Point> targets = new HashSet<>();
    if (spec.get("targetRefs") instanceof List<?> refs) {
      for (Object ref : refs) {
        if (ref instanceof Map<?, ?> target) {
          for (Point.Kind of : Point.Kind.values()) {
            if (of.apiKind().equals(target.get("kind"))) {
              Object section = target.get("sectionName");
              targets.add(
                  new Point(
                      of,
                      namespace,
                      String.valueOf(target.get("name")),
                      section == null ? "" : String.valueOf(section)));
            }
          }
        }
      }
    }
    return targets;
  }
}
