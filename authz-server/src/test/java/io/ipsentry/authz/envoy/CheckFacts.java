package io.ipsentry.authz.envoy;

import com.google.protobuf.ByteString;
import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.DescriptorValidationException;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.InvalidProtocolBufferException;
import io.envoyproxy.envoy.config.core.v3.Address;
import io.envoyproxy.envoy.config.core.v3.HeaderValue;
import io.envoyproxy.envoy.service.auth.v3.AttributeContext.HttpRequest;
import io.envoyproxy.envoy.service.auth.v3.CheckRequest;
import io.ipsentry.authz.verdict.GatewayRequest;
import io.ipsentry.line.Slice;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What is judged of a {@code CheckRequest}, read three ways: by the skimmer, by the generated
 * parser, and by the protobuf runtime with a schema that has only the fields that are read, with
 * bytes for text. Text stands as one character a byte; null is absent.
 */
record CheckFacts(
    @Nullable String peer,
    @Nullable String method,
    @Nullable String host,
    @Nullable String target,
    @Nullable String policy,
    @Nullable String token,
    Map<String, String> headers) {
  /** Headers that policies name, beside the two that are always read. */
  static final Set<String> CLIENT_HEADERS = Set.of("x-envoy-external-address", "x-real-ip");

  private static final WantedHeaders WANTED = WantedHeaders.with(CLIENT_HEADERS);
  private static final List<String> NAMES =
      List.of("x-forwarded-for", "user-agent", "x-envoy-external-address", "x-real-ip");
  private static final Descriptor REDUCED = reduced();

  /** By the skimmer, which sees the message in the midst of other bytes; null: it refuses. */
  static @Nullable CheckFacts skimmed(byte[] wire) {
    byte[] around = new byte[wire.length + 8];
    Arrays.fill(around, (byte) 0x0a);
    System.arraycopy(wire, 0, around, 3, wire.length);
    CheckMessage message = new CheckMessage();
    if (!new CheckRequestSkimmer().read(around, 3, 3 + wire.length, WANTED, message)) {
      return null;
    }
    GatewayRequest request = message.request();
    TreeMap<String, String> headers = new TreeMap<>();
    for (String name : NAMES) {
      put(headers, name, text(message.header(WANTED.find(name))));
    }
    if (!Objects.equals(text(request.forwardedFor()), headers.get("x-forwarded-for"))
        || !Objects.equals(text(request.userAgent()), headers.get("user-agent"))) {
      throw new AssertionError("a header is not in its field: " + headers);
    }
    return new CheckFacts(
        text(request.peer()),
        text(request.method()),
        text(request.host()),
        text(request.target()),
        text(request.policy()),
        text(message.token()),
        headers);
  }

  /** By the skimmer, of what it must accept. */
  static CheckFacts skimmedWhole(byte[] wire) {
    return Objects.requireNonNull(skimmed(wire), "the skimmer refuses");
  }

  /** By the generated parser; null: it refuses. */
  static @Nullable CheckFacts parsed(byte[] wire) {
    CheckRequest request;
    try {
      request = CheckRequest.parseFrom(wire);
    } catch (InvalidProtocolBufferException e) {
      return null;
    }
    HttpRequest http = request.getAttributes().getRequest().getHttp();
    TreeMap<String, String> headers = new TreeMap<>();
    for (String name : NAMES) {
      ByteString joined = ByteString.EMPTY;
      for (HeaderValue header : http.getHeaderMap().getHeadersList()) {
        if (header.getKey().equals(name)) {
          joined =
              join(
                  joined,
                  header.getRawValue().isEmpty() ? header.getValueBytes() : header.getRawValue());
        }
      }
      ByteString mapped = ByteString.copyFromUtf8(http.getHeadersOrDefault(name, ""));
      put(headers, name, text(joined.isEmpty() ? mapped : joined));
    }
    Address address = request.getAttributes().getSource().getAddress();
    Map<String, String> extensions = request.getAttributes().getContextExtensionsMap();
    return new CheckFacts(
        text(address.getSocketAddress().getAddressBytes()),
        text(http.getMethodBytes()),
        text(http.getHostBytes()),
        text(http.getPathBytes()),
        text(ByteString.copyFromUtf8(extensions.getOrDefault("policy", ""))),
        text(ByteString.copyFromUtf8(extensions.getOrDefault("token", ""))),
        headers);
  }

  /**
   * By the runtime with the reduced schema; null: it refuses. Where several kinds of address follow
   * each other the peer is what the last socket address says.
   */
  static @Nullable CheckFacts reduced(byte[] wire) {
    DynamicMessage message;
    try {
      message = DynamicMessage.parseFrom(REDUCED, wire);
    } catch (InvalidProtocolBufferException e) {
      return null;
    }
    DynamicMessage attributes = child(message, "attributes");
    DynamicMessage http = child(child(attributes, "request"), "http");
    TreeMap<String, String> headers = new TreeMap<>();
    for (String name : NAMES) {
      ByteString joined = ByteString.EMPTY;
      for (Object listed : list(child(http, "header_map"), "headers")) {
        DynamicMessage header = (DynamicMessage) listed;
        if (bytes(header, "key").equals(ByteString.copyFromUtf8(name))) {
          ByteString raw = bytes(header, "raw_value");
          joined = join(joined, raw.isEmpty() ? bytes(header, "value") : raw);
        }
      }
      put(headers, name, text(joined.isEmpty() ? last(http, "headers", name) : joined));
    }
    DynamicMessage socket = child(child(child(attributes, "source"), "address"), "socket_address");
    return new CheckFacts(
        text(bytes(socket, "address")),
        text(bytes(http, "method")),
        text(bytes(http, "host")),
        text(bytes(http, "path")),
        text(last(attributes, "context_extensions", "policy")),
        text(last(attributes, "context_extensions", "token")),
        headers);
  }

  /** Whether there is an address of another kind than a socket's, anywhere in the message. */
  static boolean hasOtherAddress(byte[] wire) throws InvalidProtocolBufferException {
    DynamicMessage address =
        child(
            child(child(DynamicMessage.parseFrom(REDUCED, wire), "attributes"), "source"),
            "address");
    return !list(address, "pipe").isEmpty() || !list(address, "internal").isEmpty();
  }

  CheckFacts withoutPeer() {
    return new CheckFacts(null, method, host, target, policy, token, headers);
  }

  private static ByteString join(ByteString list, ByteString value) {
    if (list.isEmpty() || value.isEmpty()) {
      return list.concat(value);
    }
    return list.concat(ByteString.copyFromUtf8(",")).concat(value);
  }

  private static ByteString last(DynamicMessage message, String field, String key) {
    ByteString value = ByteString.EMPTY;
    for (Object entry : list(message, field)) {
      if (bytes((DynamicMessage) entry, "key").equals(ByteString.copyFromUtf8(key))) {
        value = bytes((DynamicMessage) entry, "value");
      }
    }
    return value;
  }

  private static DynamicMessage child(DynamicMessage message, String field) {
    return (DynamicMessage) message.getField(message.getDescriptorForType().findFieldByName(field));
  }

  private static List<?> list(DynamicMessage message, String field) {
    return (List<?>) message.getField(message.getDescriptorForType().findFieldByName(field));
  }

  private static ByteString bytes(DynamicMessage message, String field) {
    return (ByteString) message.getField(message.getDescriptorForType().findFieldByName(field));
  }

  private static void put(Map<String, String> headers, String name, @Nullable String value) {
    if (value != null) {
      headers.put(name, value);
    }
  }

  private static @Nullable String text(ByteString bytes) {
    return bytes.isEmpty() ? null : bytes.toString(StandardCharsets.ISO_8859_1);
  }

  private static @Nullable String text(Slice slice) {
    return slice.isPresent()
        ? new String(slice.array(), slice.from(), slice.length(), StandardCharsets.ISO_8859_1)
        : null;
  }

  private static Descriptor reduced() {
    FileDescriptorProto file =
        FileDescriptorProto.newBuilder()
            .setName("reduced.proto")
            .setSyntax("proto3")
            .addMessageType(message("Check", one("attributes", 1, "Attributes")))
            .addMessageType(
                message(
                    "Attributes",
                    one("source", 1, "Peer"),
                    one("request", 4, "Request"),
                    many("context_extensions", 10, "Entry")))
            .addMessageType(message("Peer", one("address", 1, "Address")))
            .addMessageType(
                message(
                    "Address",
                    one("socket_address", 1, "Socket"),
                    marked("pipe", 2),
                    marked("internal", 3)))
            .addMessageType(message("Socket", bytes("address", 2)))
            .addMessageType(message("Request", one("http", 2, "Http")))
            .addMessageType(
                message(
                    "Http",
                    bytes("method", 2),
                    many("headers", 3, "Entry"),
                    bytes("path", 4),
                    bytes("host", 5),
                    one("header_map", 13, "HeaderMap")))
            .addMessageType(message("HeaderMap", many("headers", 1, "Header")))
            .addMessageType(
                message("Header", bytes("key", 1), bytes("value", 2), bytes("raw_value", 3)))
            .addMessageType(message("Entry", bytes("key", 1), bytes("value", 2)))
            .build();
    try {
      return FileDescriptor.buildFrom(file, new FileDescriptor[0]).findMessageTypeByName("Check");
    } catch (DescriptorValidationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static DescriptorProto message(String name, FieldDescriptorProto... fields) {
    return DescriptorProto.newBuilder().setName(name).addAllField(List.of(fields)).build();
  }

  private static FieldDescriptorProto one(String name, int number, String type) {
    return field(
            name,
            number,
            FieldDescriptorProto.Type.TYPE_MESSAGE,
            FieldDescriptorProto.Label.LABEL_OPTIONAL)
        .setTypeName(type)
        .build();
  }

  private static FieldDescriptorProto many(String name, int number, String type) {
    return field(
            name,
            number,
            FieldDescriptorProto.Type.TYPE_MESSAGE,
            FieldDescriptorProto.Label.LABEL_REPEATED)
        .setTypeName(type)
        .build();
  }

  private static FieldDescriptorProto bytes(String name, int number) {
    return field(
            name,
            number,
            FieldDescriptorProto.Type.TYPE_BYTES,
            FieldDescriptorProto.Label.LABEL_OPTIONAL)
        .build();
  }

  /** Its presence is known, whatever it holds: bytes that are repeated keep every occurrence. */
  private static FieldDescriptorProto marked(String name, int number) {
    return field(
            name,
            number,
            FieldDescriptorProto.Type.TYPE_BYTES,
            FieldDescriptorProto.Label.LABEL_REPEATED)
        .build();
  }

  private static FieldDescriptorProto.Builder field(
      String name, int number, FieldDescriptorProto.Type type, FieldDescriptorProto.Label label) {
    return FieldDescriptorProto.newBuilder()
        .setName(name)
        .setNumber(number)
        .setType(type)
        .setLabel(label);
  }
}
