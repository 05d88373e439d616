package io.ipsentry.testing;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A test that uses {@link io.ipsentry.testing.cluster.TestCluster}: a real kube-apiserver with
 * etcd, and kubectl, which {@code conformance-tests/build-kubernetes.sh} builds once.
 *
 * <p>Where they are missing the test is skipped with the reason, except with {@code CI=true} in the
 * environment, where it fails.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
@ExtendWith(RequirementCondition.class)
public @interface RequiresCluster {}
