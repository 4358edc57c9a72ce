/** Codes of node:tls for a certificate that is not believed. */
const UNBELIEVED = /^(CERT_|UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED_CERT|HOSTNAME_MISMATCH|ERR_TLS_CERT_|ERR_SSL_)/;

/** Whether one side does not believe the other's certificate, or they have no TLS in common: trying again by itself will not help. */
export function isTlsRefusal(error: Error): boolean {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && UNBELIEVED.test(code);
}
