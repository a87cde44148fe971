// Makes elements. Strings become text, never markup.

export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  Object.assign(made, properties);
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}
