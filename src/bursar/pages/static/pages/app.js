// What pages do beyond links and forms. Everything here is a convenience: each page works without it.
import "./zone.js";
import "./theme.js";
import "./menus.js";
import "./dialogs.js";
import "./copying.js";
import "./files.js";
import "./once.js";
import "./dismissing.js";
import "./tabs.js";
import { watchTables } from "./tables.js";
import { watchParts } from "./parts.js";

watchTables(document);
watchParts();
