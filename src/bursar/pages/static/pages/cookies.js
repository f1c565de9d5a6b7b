// Cookies that only say how this browser likes its pages; their values are plain words or names of time zones.
const YEAR = 365 * 24 * 3600;

export function keep(name, value) {
  const secure = location.protocol === "https:" ? ";secure" : "";
  const age = value ? YEAR : 0;
  document.cookie = `${name}=${value};path=/;max-age=${age};samesite=lax${secure}`;
}

export function kept(name) {
  const found = document.cookie.split("; ").find((cookie) => cookie.startsWith(`${name}=`));
  return found ? found.slice(name.length + 1) : "";
}
