package io.ipsentry.authz.verdict;

import io.ipsentry.line.ClientAddressResolver;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.rule.RuleSet;
import org.jspecify.annotations.Nullable;

/**
 * A policy, compiled. Immutable; safe for any thread.
 *
 * @param name as attachments name it; empty: the default policy
 * @param scope of bans that hold for its routes beside those that hold everywhere; null: none
 * @param shadowScope of shadow bans that concern it; null: none
 * @param shadow whether nobody is refused
 * @param client how the client's address is found
 * @param clientHeader name of the header that it is taken from; empty: none
 * @param rules inline rules that judge
 * @param denial what a refused client gets
 * @param off whether nothing is looked at
 * @param exempt addresses that pass every check
 */
record Policy(
    String name,
    @Nullable String scope,
    @Nullable String shadowScope,
    boolean shadow,
    ClientAddressResolver.Settings client,
    String clientHeader,
    RuleSet rules,
    DenialTemplate denial,
    boolean off,
    PrefixSet exempt) {}
