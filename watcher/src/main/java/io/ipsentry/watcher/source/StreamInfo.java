package io.ipsentry.watcher.source;

/**
 * Names one stream of lines.
 *
 * @param source name of the source, as {@link LineSource#name()} gives it
 * @param label what is read: the path under which the file was found, {@code -} for standard input,
 *     {@code journal} for a journal
 */
public record StreamInfo(String source, String label) {}
