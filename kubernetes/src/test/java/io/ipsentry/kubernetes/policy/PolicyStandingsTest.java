package io.ipsentry.kubernetes.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.kubernetes.policy.AncestorStatuses.Condition;
import io.ipsentry.kubernetes.policy.AncestorStatuses.Entry;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What statuses say of conflicts, mistakes and routes that are not covered. */
final class PolicyStandingsTest {
  private static final Attachments.Identity IDENTITY =
      Attachments.Identity.of("ip-sentry", "sentry");
  private static final String CONTROLLER = IDENTITY.controller();
  private static final Instant NOW = Instant.parse("2026-11-27T00:00:00Z");
  private static final Point GATEWAY = new Point(Point.Kind.GATEWAY, "infra", "public", "");
  private static final Point WEB = new Point(Point.Kind.HTTP_ROUTE, "infra", "web", "");

  private final List<BanPolicyObject> policies = new ArrayList<>();
  private final List<RouteObject> routes = new ArrayList<>();
  private final List<AttachedObject> others = new ArrayList<>();
  private String controllerOfClass = "gateway.envoyproxy.io/gatewayclass-controller";

  private static BanPolicyObject policy(String name, int age, Point... targets) {
    return new BanPolicyObject(
        "infra",
        name,
        "uid",
        "1",
        3,
        NOW.minusSeconds(age),
        List.of(targets),
        true,
        true,
        "200ms",
        Map.of(),
        List.of());
  }

  private static RouteObject.Rule rule(String... filters) {
    return new RouteObject.Rule("", false, true, Set.of(filters));
  }

  private void route(String name, RouteObject.Rule... rules) {
    routes.add(new RouteObject("infra", name, List.of(GATEWAY), Arrays.asList(rules)));
  }

  private void securityPolicy(String name, Map<String, Object> more) {
    Map<String, Object> spec = new HashMap<>(more);
    spec.put(
        "targetRefs",
        List.of(Map.of("group", "gateway.networking.k8s.io", "kind", "HTTPRoute", "name", "web")));
    others.add(
        new AttachedObject(
            AttachedKind.SECURITY_POLICY, "infra", name, "1", Map.of(), Map.of(), null, spec));
  }

  private PolicyStandings standings(Map<String, String> refused) {
    ClusterView cluster =
        ClusterView.of(
            policies,
            List.of(new GatewayObject("infra", "public", "class", Set.of("http"))),
            routes,
            Map.of("class", controllerOfClass),
            List.of(),
            others);
    PolicyMerge merge = PolicyMerge.of(cluster);
    return new PolicyStandings(
        cluster, merge, Attachments.of(cluster, merge, IDENTITY), refused, Map.of(), CONTROLLER);
  }

  private Condition condition(BanPolicyObject policy, String type) {
    List<Entry> entries = standings(Map.of()).entries(policy);
    assertThat(entries).hasSize(1);
    return condition(entries.getFirst(), type);
  }

  private static Condition condition(Entry entry, String type) {
    return entry.conditions().stream()
        .filter(each -> each.type().equals(type))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void conflict_ofTheYounger_namesTheOlder() {
    policies.add(policy("old", 9, GATEWAY));
    policies.add(policy("young", 1, GATEWAY));
    assertThat(condition(policies.get(0), "Accepted").reason()).isEqualTo("Accepted");
    Condition lost = condition(policies.get(1), "Accepted");
    assertThat(lost.status()).isFalse();
    assertThat(lost.reason()).isEqualTo("Conflicted");
    assertThat(lost.message()).contains("infra/old");
    assertThat(condition(policies.get(1), "Programmed").status()).isFalse();
  }

  @Test
  void missingTargetAndSection_areNotFound() {
    Point missing = new Point(Point.Kind.HTTP_ROUTE, "infra", "gone", "");
    policies.add(policy("p", 1, missing));
    Condition accepted = condition(policies.getFirst(), "Accepted");
    assertThat(accepted.reason()).isEqualTo("TargetNotFound");
    assertThat(condition(policies.getFirst(), "ResolvedRefs").status()).isFalse();
    policies.set(0, policy("p", 1, new Point(Point.Kind.GATEWAY, "infra", "public", "no-such")));
    assertThat(condition(policies.getFirst(), "Accepted").message()).contains("no such section");
  }

  @Test
  void refused_isInvalidWithTheReason() {
    policies.add(policy("p", 1, GATEWAY));
    Entry entry =
        standings(Map.of("gateway_infra_public", "there is no rule 'x'"))
            .entries(policies.getFirst())
            .getFirst();
    assertThat(condition(entry, "Accepted").reason()).isEqualTo("Invalid");
    assertThat(condition(entry, "Accepted").message()).contains("no rule 'x'");
  }

  @Test
  void envoy_policyOfARoute_takesThePlaceUnlessItMerges() {
    policies.add(policy("p", 1, GATEWAY));
    route("web", rule());
    route("other", rule());
    assertThat(condition(policies.getFirst(), "Programmed").reason()).isEqualTo("Programmed");

    securityPolicy("jwt", Map.of());
    Condition partly = condition(policies.getFirst(), "Programmed");
    assertThat(partly.status()).isTrue();
    assertThat(partly.reason()).isEqualTo("PartiallyProgrammed");
    assertThat(partly.message())
        .contains("1 of 2 routes")
        .contains("infra/web")
        .contains("SecurityPolicy infra/jwt")
        .contains("mergeType");
    PolicyReport.OfPolicy report = standings(Map.of()).report().policies().getFirst();
    assertThat(report).isEqualTo(new PolicyReport.OfPolicy("infra/p", true, 2, 1));

    others.clear();
    securityPolicy("jwt", Map.of("mergeType", "StrategicMerge"));
    assertThat(condition(policies.getFirst(), "Programmed").reason()).isEqualTo("Programmed");
    others.clear();
    securityPolicy("sso", Map.of("mergeType", "StrategicMerge", "extAuth", Map.of()));
    assertThat(condition(policies.getFirst(), "Programmed").message()).contains("asks somebody");
  }

  @Test
  void route_withAPolicyOfItsOwn_isNotTheGateways() {
    policies.add(policy("p", 9, GATEWAY));
    policies.add(policy("w", 1, WEB));
    route("web", rule());
    securityPolicy("jwt", Map.of());
    assertThat(condition(policies.get(0), "Programmed").reason()).isEqualTo("Programmed");
    assertThat(condition(policies.get(1), "Programmed").message()).contains("same target");
  }

  @Test
  void nginx_redirectsAndRoutesWithoutBackends_areNotAskedAbout() {
    controllerOfClass = "gateway.nginx.org/nginx-gateway-controller";
    policies.add(policy("p", 1, GATEWAY));
    route("fine", rule());
    route("moved", new RouteObject.Rule("", true, false, Set.of()));
    route("empty", new RouteObject.Rule("docs", false, false, Set.of()));
    assertThat(condition(policies.getFirst(), "Programmed").message())
        .contains("2 of 3 routes")
        .contains("rule 0 redirects")
        .contains("rule docs has no backend");
  }

  @Test
  void nginx_listener_cannotBeAttached() {
    controllerOfClass = "gateway.nginx.org/nginx-gateway-controller";
    policies.add(policy("p", 1, new Point(Point.Kind.GATEWAY, "infra", "public", "http")));
    Condition programmed = condition(policies.getFirst(), "Programmed");
    assertThat(programmed.status()).isFalse();
    assertThat(programmed.message()).contains("listener");
  }

  @Test
  void filter_thatARouteDoesNotName_isTold() {
    for (String controller :
        List.of("gateway.nginx.org/nginx-gateway-controller", "traefik.io/gateway-controller")) {
      controllerOfClass = controller;
      policies.clear();
      routes.clear();
      policies.add(policy("w", 1, WEB));
      String name = Attachments.name(WEB, policies.getFirst());
      route("web", rule());
      assertThat(condition(policies.getFirst(), "Programmed").message())
          .contains("ExtensionRef")
          .contains(name);
      routes.clear();
      String kind =
          controller.startsWith("traefik")
              ? "Middleware.traefik.io/"
              : "SnippetsFilter.gateway.nginx.org/";
      route("web", rule(kind + name));
      assertThat(condition(policies.getFirst(), "Programmed").reason()).isEqualTo("Programmed");
    }
  }

  @Test
  void unknownImplementation_isNotAttached() {
    controllerOfClass = "example.com/mine";
    policies.add(policy("p", 1, GATEWAY));
    Condition programmed = condition(policies.getFirst(), "Programmed");
    assertThat(programmed.reason()).isEqualTo("NotAttached");
    assertThat(programmed.message()).contains("class");
  }

  // ---- the list

  private static Map<String, Object> foreign(int number) {
    return Map.of(
        "ancestorRef", Map.of("name", "other-" + number),
        "controllerName", "example.com/other",
        "conditions", List.of());
  }

  private static Entry entry(String gateway, boolean accepted) {
    return new Entry(
        new Point(Point.Kind.GATEWAY, "infra", gateway, ""),
        List.of(
            new Condition("Accepted", accepted, "Accepted", ""),
            new Condition("Programmed", true, "Programmed", "fine")));
  }

  private static List<Map<String, Object>> list(
      List<Map<String, Object>> before, Instant now, Entry... entries) {
    return AncestorStatuses.of(before, List.of(entries), CONTROLLER, 3, now);
  }

  @Test
  void ancestors_ofOthers_areKept_andTheSeventeenthIsNotWritten() {
    List<Map<String, Object>> before = new ArrayList<>();
    for (int i = 0; i < 15; i++) {
      before.add(foreign(i));
    }
    List<Map<String, Object>> after =
        list(before, NOW, entry("a", true), entry("b", true), entry("c", true));
    assertThat(after).hasSize(16).containsAll(before);
    assertThat(String.valueOf(after.getLast())).contains("2 more ancestors have no room");
    before.add(foreign(15));
    assertThat(list(before, NOW, entry("a", true))).isEqualTo(before);
  }

  @Test
  void ancestors_keepTheirTimeUntilTheStatusChanges_andGoWithTheirTarget() {
    List<Map<String, Object>> first = list(List.of(), NOW, entry("a", true), entry("b", true));
    List<Map<String, Object>> later =
        list(first, NOW.plusSeconds(60), entry("a", true), entry("b", true));
    assertThat(AncestorStatuses.same(first, later)).isTrue();
    List<Map<String, Object>> changed = list(first, NOW.plusSeconds(60), entry("a", false));
    assertThat(changed).hasSize(1);
    assertThat(String.valueOf(changed)).contains("2026-11-27T00:01:00Z", "2026-11-27T00:00:00Z");
  }
}
