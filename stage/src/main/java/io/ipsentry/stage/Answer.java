package io.ipsentry.stage;

/**
 * What a server answered.
 *
 * @param head the status line and headers
 */
public record Answer(int status, String head, String body) {}
