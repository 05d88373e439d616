package io.ipsentry.conformance.architecture;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The modules, their packages and the classes in them. */
final class Modules {
  /**
   * The packages of core in the order of the data flow: each may use those before it, never one
   * after it. A new package of core gets its place here.
   */
  static final List<String> CORE_FLOW =
      List.of(
          "net",
          "pattern",
          "line",
          "rule",
          "fail2ban",
          "ban",
          "feed",
          "banlog",
          "detection",
          "sink",
          "config");

  /** Root package of each module that is not core; core owns {@link #CORE_FLOW}. */
  private static final Map<String, String> ROOT_PACKAGES =
      Map.of(
          "proto", "io.ipsentry.proto",
          "kubernetes", "io.ipsentry.kubernetes",
          "watcher", "io.ipsentry.watcher",
          "authz-server", "io.ipsentry.authz",
          "enforcer", "io.ipsentry.enforcer",
          "cli", "io.ipsentry.cli");

  /** Which modules a module may use. The command line wires everything and may use all. */
  static final Map<String, List<String>> MAY_USE =
      Map.of(
          "proto", List.of(),
          "core", List.of(),
          "kubernetes", List.of("core"),
          "watcher", List.of("core", "kubernetes", "proto"),
          "authz-server", List.of("core", "kubernetes", "proto"),
          "enforcer", List.of("core", "kubernetes", "proto"));

  private static final String TESTING = "io.ipsentry.testing";
  private static final String CONFORMANCE = "io.ipsentry.conformance";

  /** The whole cluster on one machine, for tests and for the demo of a checkout. */
  static final String STAGE = "io.ipsentry.stage";

  /** Every class of every module that ships, generated ones included. */
  static final JavaClasses ALL =
      new ClassFileImporter()
          .importPackages("io.ipsentry")
          .that(
              DescribedPredicate.describe(
                  "ship",
                  type ->
                      !isBelow(type, TESTING)
                          && !isBelow(type, STAGE)
                          && !isBelow(type, CONFORMANCE)));

  /** Every class that somebody wrote: without the generated ones of proto. */
  static final JavaClasses WRITTEN =
      ALL.that(
          DescribedPredicate.describe(
              "are written by hand", type -> !of(type).orElse("").equals("proto")));

  private Modules() {}

  /** Returns the module whose package {@code type} is in; empty if no module owns the package. */
  static Optional<String> of(JavaClass type) {
    for (String name : CORE_FLOW) {
      if (isBelow(type, "io.ipsentry." + name)) {
        return Optional.of("core");
      }
    }
    return ROOT_PACKAGES.entrySet().stream()
        .filter(module -> isBelow(type, module.getValue()))
        .map(Map.Entry::getKey)
        .findFirst();
  }

  static boolean isBelow(JavaClass type, String packageName) {
    return type.getPackageName().equals(packageName)
        || type.getPackageName().startsWith(packageName + ".");
  }
}
