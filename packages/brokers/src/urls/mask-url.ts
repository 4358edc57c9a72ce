/**
 * The URL with every password replaced by `**`, for logs and errors. Rather hides too much: a malformed URL loses everything that might be
 * part of a password.
 */
export function maskUrl(url: string): string {
  return String(url)
    .split(/;(?=[a-z][a-z0-9+.-]*:\/\/)/i)
    .map(maskOne)
    .join(';');
}

function maskOne(url: string): string {
  const match = /^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(url);
  const [scheme = '', rest = ''] = [match?.[1], match?.[2]];
  const authorityEnd = rest.search(/[/?#]/);
  const authority = authorityEnd === -1 ? rest : rest.slice(0, authorityEnd);
  // An @ beyond the authority means that a password was not encoded, unless it belongs to the query of a well-formed URL.
  const inAuthority = authority.lastIndexOf('@');
  const wellFormed = inAuthority !== -1 || /^(\[[^\]]*\]|[^:]*)(:\d{1,5})?$/.test(authority);
  // With a password before an @, a later @ may be the one that ends it.
  const at = wellFormed && !authority.slice(0, inAuthority + 1).includes(':') ? inAuthority : rest.lastIndexOf('@');
  const colon = rest.indexOf(':');
  const masked = at === -1 || colon === -1 || colon > at ? rest : `${rest.slice(0, colon)}:**${rest.slice(at)}`;
  return `${scheme}${masked.replace(/([?&][^=&]*(?:pass|secret|token)[^=&]*=)[^&#]*/gi, '$1**')}`;
}
