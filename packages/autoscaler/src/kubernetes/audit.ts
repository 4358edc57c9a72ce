/** What a fresh list says otherwise than a cache that a watch keeps. */
export interface Differences {
  /** In the list, not in the cache. */
  readonly missing: number;
  /** In the cache, not in the list. */
  readonly surplus: number;
  /** In both, at different versions. */
  readonly outdated: number;
}

/**
 * Compares a list with the cache, by uid and version. Objects of which the watch has told anything since the list was asked for are
 * `touched` and say nothing: either side may be the newer one.
 */
export function differences(
  listed: ReadonlyMap<string, string>,
  cached: ReadonlyMap<string, { readonly resourceVersion: string }>,
  touched: ReadonlySet<string>,
): Differences {
  let missing = 0;
  let surplus = 0;
  let outdated = 0;
  for (const [uid, version] of listed) {
    if (touched.has(uid)) continue;
    const known = cached.get(uid);
    if (known === undefined) missing += 1;
    else if (known.resourceVersion !== version) outdated += 1;
  }
  for (const uid of cached.keys()) if (!touched.has(uid) && !listed.has(uid)) surplus += 1;
  return { missing, surplus, outdated };
}
