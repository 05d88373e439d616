package io.ipsentry.watcher.source;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Names one stream of lines.
 *
 * @param source name of the source, as {@link LineSource#name()} gives it
 * @param label what is read: the path under which the file was found, {@code -} for standard input,
 *     {@code journal} for a journal
 * @param file path of the file without symbolic links; null where the lines are in no file
 */
public record StreamInfo(String source, String label, @Nullable Path file) {}
