package io.ipsentry.kubernetes.policy;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.FieldValidateable;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import io.ipsentry.kubernetes.api.ApiFailures;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ClusterConnection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Writes what follows from policies, each against the version that was looked at. Every call throws
 * {@link ApiServerException}. Safe for any thread.
 */
final class PolicyWrites {
  private static final int GONE_ALREADY = 404;
  private static final ResourceDefinitionContext GRANTS =
      PolicyWatches.gatewayApi("referencegrants", "ReferenceGrant", "v1beta1");

  private final KubernetesClient client;

  /**
   * @param connection stays the caller's to close
   */
  PolicyWrites(ClusterConnection connection) {
    this.client = connection.client();
  }

  /** Creates it, or puts it in place of the version that it names. */
  void put(AttachedObject object) {
    GenericKubernetesResource resource =
        resource(object.kind().apiVersion(), object.kind().kind(), object.spec());
    resource.setMetadata(
        new ObjectMetaBuilder()
            .withName(object.name())
            .withNamespace(object.namespace())
            .withLabels(object.labels())
            .withAnnotations(object.annotations())
            .withResourceVersion(object.version().isEmpty() ? null : object.version())
            .build());
    AttachedObject.Owner owner = object.owner();
    if (owner != null) {
      resource
          .getMetadata()
          .setOwnerReferences(
              List.of(
                  new OwnerReferenceBuilder()
                      .withApiVersion(PolicyObjects.OWN_GROUP + '/' + PolicyObjects.OWN_VERSION)
                      .withKind(PolicyObjects.KIND)
                      .withName(owner.name())
                      .withUid(owner.uid())
                      .withController(true)
                      .build()));
    }
    write(
        (object.version().isEmpty() ? "create " : "replace ") + object.title(),
        PolicyWatches.context(object.kind()),
        resource);
  }

  private void write(
      String what, ResourceDefinitionContext context, GenericKubernetesResource resource) {
    try {
      var place =
          client
              .genericKubernetesResources(context)
              .inNamespace(resource.getMetadata().getNamespace())
              .resource(resource)
              // A definition that lacks a field would drop it unsaid, and with it perhaps what is
              // to happen when nobody answers.
              .fieldValidation(FieldValidateable.Validation.STRICT);
      GenericKubernetesResource ignored =
          resource.getMetadata().getResourceVersion() == null ? place.create() : place.update();
    } catch (KubernetesClientException e) {
      throw ApiFailures.of(what, e);
    }
  }

  private static GenericKubernetesResource resource(
      String apiVersion, String kind, Map<String, Object> spec) {
    GenericKubernetesResource resource = new GenericKubernetesResource();
    resource.setApiVersion(apiVersion);
    resource.setKind(kind);
    resource.setAdditionalProperty("spec", spec);
    return resource;
  }

  /** Deletes this very version; nothing if it is gone. */
  void delete(AttachedObject object) {
    try {
      var ignored =
          client
              .genericKubernetesResources(PolicyWatches.context(object.kind()))
              .inNamespace(object.namespace())
              .withName(object.name())
              .lockResourceVersion(object.version())
              .delete();
    } catch (KubernetesClientException e) {
      if (e.getCode() != GONE_ALREADY) {
        throw ApiFailures.of("delete " + object.title(), e);
      }
    }
  }

  /** Writes the ancestors of a policy's status. */
  void status(BanPolicyObject policy, List<Map<String, Object>> ancestors) {
    GenericKubernetesResource resource =
        resource(
            PolicyObjects.OWN_GROUP + '/' + PolicyObjects.OWN_VERSION,
            PolicyObjects.KIND,
            Map.of());
    resource.setMetadata(
        new ObjectMetaBuilder()
            .withName(policy.name())
            .withNamespace(policy.namespace())
            .withUid(policy.uid())
            .withResourceVersion(policy.version())
            .build());
    resource.setAdditionalProperty("status", Map.of("ancestors", ancestors));
    try {
      GenericKubernetesResource ignored =
          client
              .genericKubernetesResources(PolicyWatches.own("banpolicies", PolicyObjects.KIND))
              .inNamespace(policy.namespace())
              .resource(resource)
              .updateStatus();
    } catch (KubernetesClientException e) {
      throw ApiFailures.of("replace the status of BanPolicy " + policy.fullName(), e);
    }
  }

  /**
   * Lets SecurityPolicies of some namespaces refer to the Service of the authz-servers; without
   * any, there is to be no grant.
   *
   * @return whether something was written
   */
  boolean grant(String name, Attachments.Identity identity, Set<String> namespaces) {
    var place =
        client.genericKubernetesResources(GRANTS).inNamespace(identity.namespace()).withName(name);
    GenericKubernetesResource known;
    try {
      known = place.get();
    } catch (KubernetesClientException e) {
      throw ApiFailures.of("get ReferenceGrant " + name, e);
    }
    if (namespaces.isEmpty()) {
      if (known != null) {
        try {
          var ignored = place.delete();
        } catch (KubernetesClientException e) {
          throw ApiFailures.of("delete ReferenceGrant " + name, e);
        }
      }
      return known != null;
    }
    Map<String, Object> spec = new LinkedHashMap<>();
    spec.put(
        "from",
        namespaces.stream()
            .sorted()
            .map(namespace ->
                Map.of(
                    "group",
                    AttachedKind.SECURITY_POLICY.group(),
                    "kind",
                    AttachedKind.SECURITY_POLICY.kind(),
                    "namespace",
                    namespace))
            .toList());
    spec.put("to", List.of(Map.of("group", "", "kind", "Service", "name", identity.service())));
    if (known != null && AncestorStatuses.same(known.get("spec"), spec)) {
      return false;
    }
    GenericKubernetesResource resource =
        resource(PolicyObjects.GROUP + "/v1beta1", "ReferenceGrant", spec);
    resource.setMetadata(
        new ObjectMetaBuilder()
            .withName(name)
            .withNamespace(identity.namespace())
            .withLabels(Map.of("app.kubernetes.io/managed-by", "ip-sentry"))
            .withResourceVersion(known == null ? null : known.getMetadata().getResourceVersion())
            .build());
    write((known == null ? "create" : "replace") + " ReferenceGrant " + name, GRANTS, resource);
    return true;
  }
}
