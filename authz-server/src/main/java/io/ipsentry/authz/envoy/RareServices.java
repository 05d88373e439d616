package io.ipsentry.authz.envoy;

import io.grpc.HandlerRegistry;
import io.grpc.MethodDescriptor;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Services that are made when one of their methods is first called: hardly any process is ever
 * asked, and their classes would take memory in all. Reflection shows them all. Safe for any
 * thread.
 */
final class RareServices extends HandlerRegistry {
  private final Map<String, Supplier<ServerServiceDefinition>> makers;
  private final Map<String, ServerServiceDefinition> made = new ConcurrentHashMap<>();

  /**
   * @param makers by the services' full names
   */
  RareServices(Map<String, Supplier<ServerServiceDefinition>> makers) {
    this.makers = Map.copyOf(makers);
  }

  @Override
  public @Nullable ServerMethodDefinition<?, ?> lookupMethod(
      String methodName, @Nullable String authority) {
    String service = MethodDescriptor.extractFullServiceName(methodName);
    Supplier<ServerServiceDefinition> maker = service == null ? null : makers.get(service);
    return service == null || maker == null ? null : service(service, maker).getMethod(methodName);
  }

  @Override
  public List<ServerServiceDefinition> getServices() {
    return makers.entrySet().stream()
        .map(entry -> service(entry.getKey(), entry.getValue()))
        .toList();
  }

  private ServerServiceDefinition service(String name, Supplier<ServerServiceDefinition> maker) {
    return made.computeIfAbsent(name, absent -> maker.get());
  }
}
