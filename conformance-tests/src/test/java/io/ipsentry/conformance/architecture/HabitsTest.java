package io.ipsentry.conformance.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** Habits of the house that a compiled class shows. */
final class HabitsTest {

  /** Where wall time and the environment come from; everything else is handed them. */
  private static final String ENTRY_POINT = "Main";

  private static final Map<String, Set<String>> AMBIENT =
      Map.of(
          "java.lang.System", Set.of("getenv", "currentTimeMillis"),
          "java.time.Instant", Set.of("now"),
          "java.time.LocalDate", Set.of("now"),
          "java.time.LocalDateTime", Set.of("now"),
          "java.time.OffsetDateTime", Set.of("now"),
          "java.time.ZonedDateTime", Set.of("now"),
          "java.time.Year", Set.of("now"),
          "java.time.Clock", Set.of("systemUTC", "systemDefaultZone", "system"),
          "java.time.InstantSource", Set.of("system"));

  private static final Map<String, Set<String>> NAME_LOOKUPS =
      Map.of(
          "java.net.InetAddress",
          Set.of("getByName", "getAllByName", "getHostName", "getCanonicalHostName"),
          "java.net.InetSocketAddress",
          Set.of("getHostName"));

  @Test
  void packages_writtenByHand_areNullMarked() {
    TreeSet<String> unmarked = new TreeSet<>();
    for (JavaClass type : Modules.WRITTEN) {
      if (!type.getPackage().isAnnotatedWith(NullMarked.class)) {
        unmarked.add(type.getPackageName());
      }
    }
    assertThat(unmarked).as("packages without @NullMarked in package-info.java").isEmpty();
  }

  @Test
  void ambientTimeAndEnvironment_outsideMain_isNotUsed() {
    noClasses()
        .that(
            DescribedPredicate.describe(
                "are not " + ENTRY_POINT, type -> !outermost(type).equals(ENTRY_POINT)))
        .should()
        .callCodeUnitWhere(callOf("the wall clock or the environment", AMBIENT))
        .because("time comes in as an argument or an InstantSource, settings as values")
        .check(Modules.WRITTEN);
  }

  @Test
  void nameLookups_anywhere_areNotUsed() {
    noClasses()
        .should()
        .callCodeUnitWhere(callOf("the resolver", NAME_LOOKUPS))
        .because("an address from a line is parsed, never resolved")
        .check(Modules.WRITTEN);
  }

  @Test
  void standardStreams_outsideTheCommandLine_areNotUsed() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.ipsentry.cli..")
        .should(ACCESS_STANDARD_STREAMS)
        .check(Modules.WRITTEN);
  }

  @Test
  void javaUtilLogging_anywhere_isNotUsed() {
    NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING.check(Modules.WRITTEN);
  }

  @Test
  void staticFields_anywhere_areFinal() {
    fields()
        .that()
        .areStatic()
        .and(
            DescribedPredicate.describe(
                "are not made by the compiler",
                field -> !field.getModifiers().contains(JavaModifier.SYNTHETIC)))
        .should()
        .beFinal()
        .check(Modules.WRITTEN);
  }

  @Test
  void concreteClasses_anywhere_areFinal() {
    classes()
        .that()
        .areNotInterfaces()
        .and()
        .areNotEnums()
        .and()
        .doNotHaveModifier(JavaModifier.ABSTRACT)
        .and()
        .areNotAnonymousClasses()
        .should()
        .haveModifier(JavaModifier.FINAL)
        .check(Modules.WRITTEN);
  }

  @Test
  void names_anywhere_sayWhatAClassIs() {
    noClasses()
        .should()
        .haveNameMatching(".*(Manager|Helper|Helpers|Util|Utils|Impl)")
        .check(Modules.WRITTEN);
  }

  private static String outermost(JavaClass type) {
    JavaClass outer = type;
    while (outer.getEnclosingClass().isPresent()) {
      outer = outer.getEnclosingClass().get();
    }
    return outer.getSimpleName();
  }

  private static DescribedPredicate<JavaCall<?>> callOf(
      String what, Map<String, Set<String>> methodsByClass) {
    return DescribedPredicate.describe(
        "calls " + what,
        call ->
            methodsByClass
                .getOrDefault(call.getTargetOwner().getName(), Set.of())
                .contains(call.getTarget().getName()));
  }
}
