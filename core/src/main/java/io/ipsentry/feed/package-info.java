/**
 * Lists of addresses that others keep: their formats, read to prefixes; when one is believed; and
 * where what was read is kept. No network: who fetches them gives the bytes.
 */
@NullMarked
package io.ipsentry.feed;

import org.jspecify.annotations.NullMarked;
