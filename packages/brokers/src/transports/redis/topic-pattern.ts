/**
 * The regular expression that kombu stores for a topic binding, character for character: members of a binding table must be equal to be one.
 * Source: kombu/transport/virtual/exchange.py `TopicExchange.key_to_pattern`, kombu/utils/text.py `escape_regex`.
 */
export function topicPattern(bindingKey: string): string {
  const words = [...bindingKey].map((character) =>
    /[\p{L}\p{N}.#*]/u.test(character) ? character : character === '\0' ? '\\000' : `\\${character}`,
  );
  return `^${words
    .join('')
    .split('.')
    .map((word) => (word === '*' ? '[^\\.]+' : word === '#' ? '.*?' : word))
    .join('\\.')}$`;
}

const compiled = new Map<string, RegExp | null>();

/** Whether a routing key fits a stored pattern; a pattern that is no regular expression fits nothing. */
export function topicMatches(pattern: string, routingKey: string): boolean {
  let expression = compiled.get(pattern);
  if (expression === undefined) {
    try {
      expression = new RegExp(pattern, 's');
    } catch {
      expression = null;
    }
    if (compiled.size >= 1_000) compiled.clear();
    compiled.set(pattern, expression);
  }
  return expression?.test(routingKey) ?? false;
}
