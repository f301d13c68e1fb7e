/** A text that is no longer than `most` characters, or its beginning and how much is missing. In memory of its own. */
export function cutText(text: string, most: number): string {
  if (text.length <= most) return text;
  const kept = text.slice(0, most).replace(/[\uD800-\uDBFF]$/, ''); // no half characters
  return Buffer.from(`${kept}… (${text.length - kept.length} more characters)`).toString();
}
