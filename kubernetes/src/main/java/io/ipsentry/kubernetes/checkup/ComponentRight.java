package io.ipsentry.kubernetes.checkup;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A right that a component, or a person with {@code doctor}, needs, as {@code
 * docs/examples/cluster-rbac.yaml} gives it.
 *
 * @param component {@link #DOCTOR}: the person
 * @param namespace where; empty: in the whole cluster
 * @param kind in plural, with its part: {@code pods/log}
 * @param name of the one object; empty: of any
 * @param why what does not work without it
 */
public record ComponentRight(
    String component,
    Optional<String> namespace,
    String group,
    String kind,
    Optional<String> name,
    String verb,
    String why) {
  /** Stands for the person who asks. */
  public static final String DOCTOR = "doctor";

  /** All rights, of a release in a namespace. */
  public static List<ComponentRight> all(String release, String namespace) {
    Rights watcher = new Rights("watcher", Optional.of(namespace));
    watcher.add(
        "the ban log is kept in ConfigMaps",
        "",
        "configmaps",
        "",
        "get",
        "list",
        "watch",
        "create",
        "update",
        "patch",
        "delete");
    String elected = "the watchers elect the one that leads by a Lease";
    watcher.add(elected, "coordination.k8s.io", "leases", "", "create");
    watcher.add(elected, "coordination.k8s.io", "leases", release + "-watcher", "get", "update");
    watcher.add("standbys pass changes on to the leader", "ip-sentry.io", "bans", "", "forward");
    watcher.add("people are told what was refused", "", "events", "", "create");
    Rights everywhere = new Rights("watcher", Optional.empty());
    String own = "the cluster's own addresses must never be banned";
    everywhere.add(own, "", "nodes", "", "list", "watch");
    everywhere.add(own, "", "services", "", "list", "watch");
    everywhere.add(own, "gateway.networking.k8s.io", "gateways", "", "list", "watch");
    String callers = "it asks who calls the admin API, and what he may";
    everywhere.add(callers, "authentication.k8s.io", "tokenreviews", "", "create");
    everywhere.add(callers, "authorization.k8s.io", "subjectaccessreviews", "", "create");
    Rights standard = new Rights("watcher", Optional.of("default"));
    standard.add(own, "discovery.k8s.io", "endpointslices", "", "list", "watch");
    Rights system = new Rights("watcher", Optional.of("kube-system"));
    system.add(
        "people show client certificates",
        "",
        "configmaps",
        "extension-apiserver-authentication",
        "get");
    List<ComponentRight> all = new ArrayList<>();
    for (Rights some : List.of(watcher, everywhere, standard, system)) {
      all.addAll(some.rights);
    }
    for (String component : List.of("authz-server", "enforcer")) {
      Rights follower = new Rights(component, Optional.of(namespace));
      follower.add("it follows the ban log", "", "configmaps", "", "get", "list", "watch");
      if (component.equals("authz-server")) {
        // An enforcer reports hits only where it runs the agent, too.
        follower.add(
            "it asks who leads", "coordination.k8s.io", "leases", release + "-watcher", "get");
        follower.add("it reports hits to the leader", "ip-sentry.io", "bans", "", "report");
      }
      all.addAll(follower.rights);
    }
    return all;
  }

  /** Those of the watcher on the pods of a source, in one namespace. */
  public static List<ComponentRight> ofSource(String source, String namespace) {
    Rights watcher = new Rights("watcher", Optional.of(namespace));
    String why = "the source " + source + " is read through the API server";
    watcher.add(why, "", "pods", "", "list", "watch");
    watcher.add(why, "", "pods/log", "", "get");
    return watcher.rights;
  }

  /**
   * Those of the person who asks.
   *
   * @param canary whether he bans something
   */
  public static List<ComponentRight> ofDoctor(String release, String namespace, boolean canary) {
    Rights inside = new Rights(DOCTOR, Optional.of(namespace));
    inside.add("the processes of the release", "", "pods", "", "get", "list");
    inside.add("what they say of themselves", "", "pods/proxy", "", "get");
    inside.add("who leads", "coordination.k8s.io", "leases", release + "-watcher", "get");
    inside.add("what is protected, and the configuration", "", "configmaps", "", "get");
    String way = "what the leader says of itself";
    inside.add(way, "", "pods/portforward", "", "create");
    inside.add(way, "ip-sentry.io", "bans", "", "get");
    if (canary) {
      inside.add("the canary", "ip-sentry.io", "bans", "", "create", "delete");
    }
    Rights everywhere = new Rights(DOCTOR, Optional.empty());
    everywhere.add("on how many nodes gateways run", "", "nodes", "", "list");
    everywhere.add("the gateways", "", "pods", "", "list");
    everywhere.add("whether clients' addresses reach them", "", "services", "", "list");
    everywhere.add("what they log", "", "pods/log", "", "get");
    everywhere.add(
        "the rights of the processes",
        "authorization.k8s.io",
        "subjectaccessreviews",
        "",
        "create");
    List<ComponentRight> all = new ArrayList<>(inside.rights);
    all.addAll(everywhere.rights);
    return all;
  }

  /** Without the part, as reviews want it. */
  public String resource() {
    int slash = kind.indexOf('/');
    return slash < 0 ? kind : kind.substring(0, slash);
  }

  /** The part of the object, such as {@code log}; empty: the object itself. */
  public Optional<String> subresource() {
    int slash = kind.indexOf('/');
    return slash < 0 ? Optional.empty() : Optional.of(kind.substring(slash + 1));
  }

  /** Of what, such as {@code nodes} or {@code leases/ip-sentry-watcher in ip-sentry}. */
  public String object() {
    return kind
        + (group.isEmpty() ? "" : "." + group)
        + name.map(of -> "/" + of).orElse("")
        + namespace.map(in -> " in " + in).orElse("");
  }

  private record Rights(String component, Optional<String> namespace, List<ComponentRight> rights) {
    Rights(String component, Optional<String> namespace) {
      this(component, namespace, new ArrayList<>());
    }

    void add(String why, String group, String kind, String name, String... verbs) {
      Optional<String> one = name.isEmpty() ? Optional.empty() : Optional.of(name);
      for (String verb : verbs) {
        rights.add(new ComponentRight(component, namespace, group, kind, one, verb, why));
      }
    }
  }
}
