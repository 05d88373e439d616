package io.ipsentry.stage;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The program's command lines: this JVM's class path, with the flags of the launcher. */
final class Program {
  private static final List<String> ALL =
      List.of(
          "-XX:+UseSerialGC",
          "-XX:-UsePerfData",
          "-XX:+UseCompactObjectHeaders",
          "--enable-native-access=ALL-UNNAMED");

  private Program() {}

  /** A component, or a command of an operator. */
  static List<String> command(String component, List<String> arguments) {
    List<String> command = new ArrayList<>(List.of("env", "MALLOC_ARENA_MAX=1", "LC_ALL=C.UTF-8"));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ALL);
    command.addAll(flags(component));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), "io.ipsentry.cli.Main"));
    command.add(component);
    command.addAll(arguments);
    return command;
  }

  private static List<String> flags(String component) {
    return switch (component) {
      case "enforcer" ->
          List.of(
              "-Xms8m",
              "-Xmn2m",
              "-XX:TieredStopAtLevel=1",
              "-XX:TrimNativeHeapInterval=5000",
              "-XX:MarkSweepDeadRatio=0",
              "-Dio.netty.allocator.type=unpooled",
              "-Dio.netty.noPreferDirect=true",
              "-XX:MinHeapFreeRatio=5",
              "-XX:MaxHeapFreeRatio=15",
              "-XX:-ShrinkHeapInSteps");
      case "authz-server" ->
          List.of(
              "-Xms16m",
              "-Xmn8m",
              "-XX:TrimNativeHeapInterval=5000",
              "-XX:MinHeapFreeRatio=5",
              "-XX:MaxHeapFreeRatio=15",
              "-XX:-ShrinkHeapInSteps");
      case "watcher" ->
          List.of(
              "-Xms24m",
              "-Xmn8m",
              "-XX:TrimNativeHeapInterval=5000",
              "-XX:MarkSweepDeadRatio=0",
              "-XX:MinHeapFreeRatio=5",
              "-XX:MaxHeapFreeRatio=15",
              "-XX:-ShrinkHeapInSteps");
      default -> List.of("-Xms64m", "-Xmn16m", "-XX:TieredStopAtLevel=1");
    };
  }
}
