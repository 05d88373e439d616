package io.ipsentry.testing;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A test that starts programs of other projects, found on the PATH or in the usual directories for
 * administrators.
 *
 * <p>Where one is missing the test is skipped with the reason, except with {@code CI=true} in the
 * environment, where it fails: a gate must not pass because a part was not there.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
@ExtendWith(RequirementCondition.class)
public @interface RequiresProgram {
  /** Names of the executables, such as {@code nginx}. */
  String[] value();
}
