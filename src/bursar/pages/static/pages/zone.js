// Tells the server the time zone of this browser, so that dates are the reader's.
import { keep, kept } from "./cookies.js";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && /^[\w+\-/]{1,64}$/.test(zone) && kept("bursar_zone") !== zone) keep("bursar_zone", zone);
