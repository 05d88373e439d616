package io.ipsentry.kubernetes.policy;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What holds where, by examples and against a naive model. */
final class PolicyMergeTest {
  private static final int ROUNDS = 300;
  private static final List<String> KEYS =
      List.of("mode", "rules", "thresholds.threshold", "thresholds.window", "denial.body");

  private static Point gateway(String name, String listener) {
    return new Point(Point.Kind.GATEWAY, "infra", name, listener);
  }

  private static Point route(String name, String rule) {
    return new Point(Point.Kind.HTTP_ROUTE, "infra", name, rule);
  }

  private static BanPolicyObject policy(
      String name, int age, Map<String, Object> overrides, Point... targets) {
    return new BanPolicyObject(
        "infra",
        name,
        "uid-" + name,
        "1",
        1,
        Instant.ofEpochSecond(1_000 - age),
        List.of(targets),
        false,
        true,
        "200ms",
        overrides,
        List.of());
  }

  private static ClusterView cluster(List<BanPolicyObject> policies, List<RouteObject> routes) {
    List<GatewayObject> gateways =
        List.of(
            new GatewayObject("infra", "public", "eg", Set.of("http", "https")),
            new GatewayObject("infra", "internal", "eg", Set.of("http")));
    return ClusterView.of(policies, gateways, routes, Map.of(), List.of(), List.of());
  }

  private static RouteObject web(Point... parents) {
    return new RouteObject(
        "infra",
        "web",
        List.of(parents),
        List.of(new RouteObject.Rule("pay", false, true, Set.of())));
  }

  @Test
  void moreSpecific_winsKeyByKey() {
    PolicyMerge merge =
        PolicyMerge.of(
            cluster(
                List.of(
                    policy(
                        "gateway",
                        9,
                        Map.of("mode", "shadow", "thresholds.window", "1m", "denial.body", "g"),
                        gateway("public", "")),
                    policy("listener", 8, Map.of("denial.body", "l"), gateway("public", "https")),
                    policy("route", 7, Map.of("mode", "enforce"), route("web", "")),
                    policy("rule", 6, Map.of("thresholds.threshold", 1), route("web", "pay"))),
                List.of(web(gateway("public", "https")))));
    assertThat(merge.effective().get(route("web", "pay")))
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "mode", "enforce",
                "thresholds.window", "1m",
                "thresholds.threshold", 1,
                "denial.body", "l"));
    assertThat(merge.effective().get(gateway("public", "https")))
        .containsEntry("mode", "shadow")
        .containsEntry("denial.body", "l");
  }

  @Test
  void listener_ofARouteThatHangsBelowAll_isNotInherited() {
    PolicyMerge merge =
        PolicyMerge.of(
            cluster(
                List.of(
                    policy("listener", 8, Map.of("mode", "off"), gateway("public", "https")),
                    policy("route", 7, Map.of("rules", List.of()), route("web", ""))),
                List.of(web(gateway("public", "")))));
    assertThat(merge.effective().get(route("web", ""))).containsOnlyKeys("rules");
  }

  @Test
  void sameTarget_isTheOldestsThenByName() {
    List<BanPolicyObject> policies =
        List.of(
            policy("young", 1, Map.of("mode", "off"), gateway("public", "")),
            policy("old-b", 5, Map.of("mode", "shadow"), gateway("public", "")),
            policy("old-a", 5, Map.of("mode", "enforce"), gateway("public", "")));
    PolicyMerge merge = PolicyMerge.of(cluster(policies, List.of()));
    assertThat(merge.winners()).hasSize(1);
    assertThat(merge.effective().get(gateway("public", ""))).containsEntry("mode", "enforce");
  }

  @Test
  void severalGateways_theOldestWinsKeyByKey() {
    PolicyMerge merge =
        PolicyMerge.of(
            cluster(
                List.of(
                    policy("p", 5, Map.of("mode", "shadow"), gateway("public", "")),
                    policy(
                        "i", 4, Map.of("mode", "off", "denial.body", "i"), gateway("internal", "")),
                    policy("r", 1, Map.of(), route("web", ""))),
                List.of(web(gateway("internal", ""), gateway("public", "")))));
    assertThat(merge.effective().get(route("web", "")))
        .containsExactlyInAnyOrderEntriesOf(Map.of("mode", "shadow", "denial.body", "i"));
  }

  @Test
  void targets_ofOtherNamespaces_needAGrant() {
    Point target = new Point(Point.Kind.HTTP_ROUTE, "shop", "web", "");
    RouteObject shop = new RouteObject("shop", "web", List.of(), List.of());
    BanPolicyObject policy = policy("p", 1, Map.of("mode", "off"), target);
    ClusterView without =
        ClusterView.of(List.of(policy), List.of(), List.of(shop), Map.of(), List.of(), List.of());
    assertThat(PolicyMerge.resolve(without, policy, target))
        .isEqualTo(PolicyMerge.Resolution.NOT_PERMITTED);
    assertThat(PolicyMerge.of(without).winners()).isEmpty();
    for (Grant grant :
        List.of(
            new Grant("shop", "grant", Set.of("infra"), Set.of("HTTPRoute")),
            new Grant("shop", "grant", Set.of("infra"), Set.of("HTTPRoute/web")))) {
      ClusterView with =
          ClusterView.of(
              List.of(policy), List.of(), List.of(shop), Map.of(), List.of(grant), List.of());
      assertThat(PolicyMerge.of(with).winners()).containsOnlyKeys(target);
    }
    for (Grant grant :
        List.of(
            new Grant("infra", "grant", Set.of("infra"), Set.of("HTTPRoute")),
            new Grant("shop", "grant", Set.of("other"), Set.of("HTTPRoute")),
            new Grant("shop", "grant", Set.of("infra"), Set.of("Gateway", "HTTPRoute/other")))) {
      ClusterView with =
          ClusterView.of(
              List.of(policy), List.of(), List.of(shop), Map.of(), List.of(grant), List.of());
      assertThat(PolicyMerge.of(with).winners()).isEmpty();
    }
  }

  @Test
  void names_areThoseOfTargetsAndFit() {
    assertThat(gateway("public", "https").policyName()).isEqualTo("gateway_infra_public_https");
    assertThat(route("web", "").policyName()).isEqualTo("route_infra_web");
    String one = route("a".repeat(80), "x").policyName();
    String other = route("a".repeat(80), "y").policyName();
    assertThat(one).hasSize(64).isNotEqualTo(other);
  }

  /** Who says what is looked up key by key, from the nearest. */
  @Test
  void effective_ofRandomClusters_isThatOfANaiveModel() {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    int compared = 0;
    for (int round = 0; round < ROUNDS; round++) {
      ClusterView cluster = randomCluster(random);
      PolicyMerge merge = PolicyMerge.of(cluster);
      for (Point point : points()) {
        Optional<BanPolicyObject> winner = naiveWinner(cluster, point);
        assertThat(Optional.ofNullable(merge.winners().get(point)))
            .as("seed %d, round %d, %s", seed, round, point)
            .isEqualTo(winner);
        if (winner.isPresent()) {
          compared++;
          assertThat(merge.effective().get(point))
              .as("seed %d, round %d, %s", seed, round, point)
              .isEqualTo(naive(cluster, point));
        }
      }
    }
    assertThat(compared).isGreaterThan(ROUNDS);
  }

  private static List<Point> points() {
    List<Point> points = new ArrayList<>();
    for (String name : List.of("public", "internal", "missing")) {
      for (String listener : List.of("", "http", "https")) {
        points.add(gateway(name, listener));
      }
    }
    for (String name : List.of("a", "b", "c", "missing")) {
      for (String rule : List.of("", "pay", "no-such")) {
        points.add(route(name, rule));
      }
    }
    return points;
  }

  private static ClusterView randomCluster(Random random) {
    List<Point> points = points();
    List<RouteObject> routes = new ArrayList<>();
    for (String name : List.of("a", "b", "c")) {
      Set<Point> parents = new HashSet<>();
      for (int i = random.nextInt(4); i > 0; i--) {
        parents.add(points.get(random.nextInt(9)));
      }
      routes.add(
          new RouteObject(
              "infra",
              name,
              List.copyOf(parents),
              List.of(new RouteObject.Rule("pay", false, true, Set.of()))));
    }
    List<BanPolicyObject> policies = new ArrayList<>();
    for (int i = random.nextInt(14); i > 0; i--) {
      Map<String, Object> overrides = new HashMap<>();
      for (String key : KEYS) {
        if (random.nextBoolean()) {
          overrides.put(key, "value-" + i);
        }
      }
      Set<Point> targets = new HashSet<>();
      for (int t = 1 + random.nextInt(3); t > 0; t--) {
        targets.add(points.get(random.nextInt(points.size())));
      }
      policies.add(policy("p" + i, random.nextInt(4), overrides, targets.toArray(Point[]::new)));
    }
    return cluster(policies, routes);
  }

  private static boolean exists(ClusterView cluster, Point point) {
    boolean gateway = point.kind() == Point.Kind.GATEWAY;
    boolean whole =
        gateway
            ? List.of("public", "internal").contains(point.name())
            : cluster.routes().containsKey(point.whole());
    boolean section =
        point.section().isEmpty()
            || (gateway
                ? point.section().equals("http") || point.name().equals("public")
                : point.section().equals("pay"));
    return whole && section;
  }

  private static Optional<BanPolicyObject> naiveWinner(ClusterView cluster, Point point) {
    return exists(cluster, point)
        ? cluster.policies().stream()
            .filter(policy -> policy.targets().contains(point))
            .min(
                Comparator.comparing(BanPolicyObject::created)
                    .thenComparing(policy -> policy.namespace() + "/" + policy.name()))
        : Optional.empty();
  }

  private static Map<String, Object> naive(ClusterView cluster, Point point) {
    Map<String, Object> all = new TreeMap<>();
    for (String key : KEYS) {
      nearest(cluster, point, key).ifPresent(value -> all.put(key, value));
    }
    return all;
  }

  private static Optional<Object> nearest(ClusterView cluster, Point point, String key) {
    List<Set<Point>> levels = new ArrayList<>();
    levels.add(Set.of(point));
    levels.add(Set.of(new Point(point.kind(), point.namespace(), point.name(), "")));
    if (point.kind() == Point.Kind.HTTP_ROUTE) {
      Set<Point> listeners = new HashSet<>();
      Set<Point> gateways = new HashSet<>();
      for (Point parent : cluster.route(point).orElseThrow().parents()) {
        gateways.add(new Point(parent.kind(), parent.namespace(), parent.name(), ""));
        if (!parent.section().isEmpty()) {
          listeners.add(parent);
        }
      }
      levels.add(listeners);
      levels.add(gateways);
    }
    for (Set<Point> level : levels) {
      Optional<Object> found =
          level.stream()
              .flatMap(each -> naiveWinner(cluster, each).stream())
              .filter(policy -> policy.overrides().containsKey(key))
              .min(
                  Comparator.comparing(BanPolicyObject::created)
                      .thenComparing(policy -> policy.namespace() + "/" + policy.name()))
              .map(policy -> Objects.requireNonNull(policy.overrides().get(key)));
      if (found.isPresent()) {
        return found;
      }
    }
    return Optional.empty();
  }
}
