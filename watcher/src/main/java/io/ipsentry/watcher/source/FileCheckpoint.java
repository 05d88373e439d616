package io.ipsentry.watcher.source;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The checkpoint of a {@link FileSource}.
 *
 * <pre>{@code
 * {"version":1,"patterns":["/var/log/nginx/*.log"],"streams":[
 *   {"path":"/var/log/nginx/access.log","real":"/var/log/nginx/access.log",
 *    "files":[{"dev":65024,"ino":1234,"pos":567,"skip":false,"len":567,"hash":"…","mtime":1795252451123}],
 *    "known":[]}]}
 * }</pre>
 *
 * <p>Inside a record of several lines {@code done} is behind {@code pos}: {@link
 * SavedFile#delivered}. Keys that are not known are skipped, so an older program reads a newer
 * one's.
 *
 * @param patterns what was configured: a file named by a new pattern is not one that appeared
 * @param streams what was followed
 */
record FileCheckpoint(List<String> patterns, List<SavedStream> streams) {
  private static final int VERSION = 1;
  private static final JsonFactory JSON = new JsonFactory();

  FileCheckpoint {
    patterns = List.copyOf(patterns);
    streams = List.copyOf(streams);
  }

  byte[] toJson() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(out)) {
      json.writeStartObject();
      json.writeNumberField("version", VERSION);
      json.writeArrayFieldStart("patterns");
      for (String pattern : patterns) {
        json.writeString(pattern);
      }
      json.writeEndArray();
      json.writeArrayFieldStart("streams");
      for (SavedStream stream : streams) {
        write(json, stream);
      }
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return out.toByteArray();
  }

  private static void write(JsonGenerator json, SavedStream stream) throws IOException {
    json.writeStartObject();
    json.writeStringField("path", stream.path().toString());
    json.writeStringField("real", stream.realPath().toString());
    write(json, "files", stream.files());
    write(json, "known", stream.known());
    json.writeEndObject();
  }

  private static void write(JsonGenerator json, String key, List<SavedFile> files)
      throws IOException {
    json.writeArrayFieldStart(key);
    for (SavedFile file : files) {
      json.writeStartObject();
      json.writeNumberField("dev", file.id().device());
      json.writeNumberField("ino", file.id().inode());
      json.writeNumberField("pos", file.position());
      if (file.delivered() > file.position()) {
        json.writeNumberField("done", file.delivered());
      }
      json.writeBooleanField("skip", file.skipping());
      json.writeNumberField("len", file.fingerprint().length());
      json.writeStringField("hash", file.fingerprint().hash());
      json.writeNumberField("mtime", file.modifiedMillis());
      json.writeNumberField("size", file.size());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  /**
   * Reads what {@link #toJson()} wrote.
   *
   * @throws CheckpointException if it is something else
   */
  static FileCheckpoint parse(String source, byte[] bytes) {
    try (JsonParser json = JSON.createParser(bytes)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw new CheckpointException(source, "not a JSON object");
      }
      return parse(source, json);
    } catch (IOException | IllegalArgumentException e) {
      throw new CheckpointException(source, "not a checkpoint of files", e);
    }
  }

  private static FileCheckpoint parse(String source, JsonParser json) throws IOException {
    List<String> patterns = new ArrayList<>();
    List<SavedStream> streams = new ArrayList<>();
    int version = 0;
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String key = key(json);
      switch (key) {
        case "version" -> version = json.getIntValue();
        case "patterns" -> {
          while (json.nextToken() != JsonToken.END_ARRAY) {
            patterns.add(json.getText());
          }
        }
        case "streams" -> {
          while (json.nextToken() != JsonToken.END_ARRAY) {
            streams.add(stream(json));
          }
        }
        default -> json.skipChildren();
      }
    }
    if (version != VERSION) {
      throw new CheckpointException(source, "version " + version);
    }
    return new FileCheckpoint(patterns, streams);
  }

  /** Goes from a key to its value. */
  private static String key(JsonParser json) throws IOException {
    if (json.currentToken() != JsonToken.FIELD_NAME) {
      throw new IllegalArgumentException("ends early");
    }
    String key = json.currentName();
    json.nextToken();
    return key;
  }

  private static SavedStream stream(JsonParser json) throws IOException {
    String path = "";
    String real = "";
    List<SavedFile> files = List.of();
    List<SavedFile> known = List.of();
    while (json.nextToken() != JsonToken.END_OBJECT) {
      switch (key(json)) {
        case "path" -> path = json.getText();
        case "real" -> real = json.getText();
        case "files" -> files = files(json);
        case "known" -> known = files(json);
        default -> json.skipChildren();
      }
    }
    if (path.isEmpty() || real.isEmpty()) {
      throw new IllegalArgumentException("a stream without its path");
    }
    return new SavedStream(Path.of(path), Path.of(real), files, known);
  }

  private static List<SavedFile> files(JsonParser json) throws IOException {
    List<SavedFile> files = new ArrayList<>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      files.add(file(json));
    }
    return files;
  }

  private static SavedFile file(JsonParser json) throws IOException {
    long device = 0;
    long inode = 0;
    long position = 0;
    long delivered = 0;
    boolean skipping = false;
    int length = 0;
    String hash = "";
    long modified = 0;
    long size = 0;
    while (json.nextToken() != JsonToken.END_OBJECT) {
      switch (key(json)) {
        case "dev" -> device = json.getLongValue();
        case "ino" -> inode = json.getLongValue();
        case "pos" -> position = json.getLongValue();
        case "done" -> delivered = json.getLongValue();
        case "skip" -> skipping = json.getBooleanValue();
        case "len" -> length = json.getIntValue();
        case "hash" -> hash = json.getText();
        case "size" -> size = json.getLongValue();
        case "mtime" -> modified = json.getLongValue();
        default -> json.skipChildren();
      }
    }
    if (position < 0) {
      throw new IllegalArgumentException("a negative position");
    }
    return new SavedFile(
        new FileId(device, inode),
        position,
        Math.max(position, delivered),
        skipping,
        new Fingerprint(length, hash),
        modified,
        size);
  }
}
