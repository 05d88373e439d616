package io.ipsentry.conformance.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Modules and packages depend on each other in one direction only. */
final class DirectionsTest {
  private static final Set<String> NOT_SHIPPED =
      Set.of("test-support", "stage", "conformance-tests", "bench");

  @Test
  void packages_allModules_belongToAModule() {
    TreeSet<String> homeless = new TreeSet<>();
    for (JavaClass type : Modules.ALL) {
      if (Modules.of(type).isEmpty()) {
        homeless.add(type.getPackageName());
      }
    }
    assertThat(homeless).as("packages that Modules does not know").isEmpty();
  }

  @Test
  void modules_ofTheBuild_areSeen() throws IOException {
    // Rules over nothing always hold: this notices a module that conformance-tests does not depend
    // on.
    Set<String> seen = new TreeSet<>();
    Modules.ALL.forEach(type -> Modules.of(type).ifPresent(seen::add));
    assertThat(seen).containsAll(shippedModules());
  }

  /** Returns the modules that the parent POM names, without those that only test or measure. */
  private static List<String> shippedModules() throws IOException {
    String parent = Files.readString(Path.of("..", "pom.xml"));
    return Pattern.compile("<module>([^<]+)</module>")
        .matcher(parent)
        .results()
        .map(result -> result.group(1))
        .filter(module -> !NOT_SHIPPED.contains(module))
        .toList();
  }

  static Stream<String> modules() {
    return Modules.MAY_USE.keySet().stream().sorted();
  }

  @ParameterizedTest
  @MethodSource("modules")
  void module_anyClass_usesOnlyItsPermittedModules(String module) {
    List<String> permitted = Modules.MAY_USE.getOrDefault(module, List.of());
    noClasses()
        .that(inModule(module))
        .should()
        .dependOnClassesThat(
            DescribedPredicate.describe(
                "are in a module other than " + permitted,
                type ->
                    Modules.of(type)
                        .filter(other -> !other.equals(module) && !permitted.contains(other))
                        .isPresent()))
        .allowEmptyShould(true)
        .check(Modules.ALL);
  }

  static Stream<String> corePackages() {
    return Modules.CORE_FLOW.stream();
  }

  @ParameterizedTest
  @MethodSource("corePackages")
  void corePackage_anyClass_usesOnlyEarlierPackages(String name) {
    int position = Modules.CORE_FLOW.indexOf(name);
    List<String> later = Modules.CORE_FLOW.subList(position + 1, Modules.CORE_FLOW.size());
    noClasses()
        .that()
        .resideInAPackage("io.ipsentry." + name + "..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            later.stream().map(other -> "io.ipsentry." + other + "..").toArray(String[]::new))
        .allowEmptyShould(true)
        .because("the flow is " + String.join(" -> ", Modules.CORE_FLOW))
        .check(Modules.ALL);
  }

  @Test
  void stage_byWhatShips_isNotUsed() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAPackage(Modules.STAGE + "..")
        .check(Modules.ALL);
  }

  @Test
  void packages_allModules_haveNoCycles() {
    slices().matching("io.ipsentry.(**)").should().beFreeOfCycles().check(Modules.WRITTEN);
  }

  @Test
  void kubernetesClient_outsideItsModule_isNotUsed() {
    onlyIn("io.ipsentry.kubernetes", "io.fabric8..");
  }

  @Test
  void sqlite_outsideTheBanLog_isNotUsed() {
    onlyIn("io.ipsentry.banlog", "org.sqlite..", "java.sql..", "javax.sql..");
  }

  @Test
  void yaml_outsideTheConfiguration_isNotUsed() {
    onlyIn("io.ipsentry.config", "org.snakeyaml..");
  }

  @Test
  void commandLineParser_outsideTheCommandLine_isNotUsed() {
    onlyIn("io.ipsentry.cli", "picocli..");
  }

  @Test
  void envoyTypes_outsideItsServer_areNotUsed() {
    onlyIn(
        "io.ipsentry.authz.envoy",
        "io.envoyproxy..",
        "com.github.xds..",
        "envoy..",
        "udpa..",
        "xds..");
  }

  @Test
  void network_inCore_isNotUsed() {
    noClasses()
        .that(inModule("core"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "java.net.http..", "io.grpc..", "io.netty..", "com.sun.net.httpserver..")
        .orShould()
        .dependOnClassesThat()
        .haveNameMatching(
            "java\\.net\\.(Socket|ServerSocket|DatagramSocket|MulticastSocket|URLConnection|HttpURLConnection)")
        .orShould()
        .dependOnClassesThat()
        .haveNameMatching(
            "java\\.nio\\.channels\\.(Asynchronous)?(Server)?(Socket|Datagram)Channel")
        .check(Modules.ALL);
  }

  private static void onlyIn(String home, String... packages) {
    noClasses()
        .that()
        .resideOutsideOfPackage(home + "..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(packages)
        .check(Modules.ALL);
  }

  private static DescribedPredicate<JavaClass> inModule(String module) {
    return DescribedPredicate.describe(
        "are in module " + module, type -> Modules.of(type).filter(module::equals).isPresent());
  }
}
