"""TikTok Shop's codes in words (Partner Center: "Common errors" and the errors of product and order endpoints).

A row is (codes, class, what it means, what to do). The wording keeps TikTok's own terms, because that is what
Seller Center and support use.
"""

from __future__ import annotations

from enum import Enum


class Kind(Enum):
    REFUSED = "refused"
    MISSING = "missing"
    CONFLICT = "conflict"
    NOT_CONFIGURED = "not configured"
    EXPIRED = "expired"
    INTERNAL = "internal"  # trouble on their side: temporary, but a write may have had its effect
    ALLOWANCE = "allowance"  # used up for today


Row = tuple[str, Kind, str, str]
R, M, C, N = Kind.REFUSED, Kind.MISSING, Kind.CONFLICT, Kind.NOT_CONFIGURED

_RECONNECT = "Reconnect the Shop under Settings, Connection."
_SELLER_CENTER = "Put it right in TikTok Shop Seller Center, then send again."
_BUG = "This is a fault of Crossdock: pass on the request id."
_TITLE = "Change the title in the store, or its field mapping under Mappings."
_DESCRIPTION = "Change the description in the store."
_CATEGORY = "Choose another category under Mappings, Categories."
_ATTRIBUTES = "Correct the attribute under Mappings, Attributes."
_BRAND = "Choose another brand, or No Brand, under Mappings, Brands."
_PICTURES = "Replace the picture in the store."
_VARIANTS = "Correct the variants in the store."
_SKU = "Correct the SKU in the store."
_PRICE = "Correct the price in the store, or the price rule under Settings, Connection."
_STOCK = "Correct the stock in the store, or the stock rule under Settings, Connection."
_WAREHOUSE = "Choose another warehouse under Settings, Connection, or enable it in Seller Center."
_PACKAGE = "Give the weight and size in the store, or defaults under Settings, Connection."
_IDENTIFIER = "Correct the GTIN in the store."
_REFRESH = "Refresh the product, then send again."

GATEWAY: tuple[Row, ...] = (
    ("36009003 36009007 12001000 12052881 33001002", Kind.INTERNAL, "TikTok Shop had an internal error", ""),
    ("36009009 36009010 36009014", R, "TikTok Shop does not know this call", _BUG),
    ("36009021", R, "The file is too large for TikTok Shop", "Make it smaller than 10 MB."),
    ("36009022 36009023", R, "TikTok Shop did not accept the form of the request", _BUG),
    ("36009033", N, "This machine's address is not on the app's IP allow list",
     "Add it in TikTok Shop Partner Center, under the app's settings."),
    ("36009043 36009044", N, "The Shop is inactive", "Activate it in TikTok Shop Seller Center."),
    ("101000 106011", Kind.EXPIRED, "The Shop's identifier and its token do not belong together", _RECONNECT),
    ("106001", N, "TikTok Shop did not accept our signature", "Check the app secret under Settings, TikTok apps."),
    ("106013", R, "The call did not say which Shop it is for", _BUG),
    ("98001004 11050001 12052910", R, "TikTok Shop did not accept a value", "Correct the value it names."),
)  # fmt: skip

AUTH_HOST: tuple[Row, ...] = (
    ("36004004", Kind.EXPIRED, "TikTok's authorisation code was used already or is older than 30 minutes",
     "Start connecting the Shop again."),
    ("36004005", Kind.EXPIRED, "TikTok Shop does not know the refresh token", _RECONNECT),
    ("36004001", Kind.EXPIRED, "The Shop's authorisation has run out", _RECONNECT),
    ("98001004", N, "TikTok Shop did not accept the app's credentials",
     "Check the app key and app secret under Settings, TikTok apps."),
)  # fmt: skip

PRODUCTS: tuple[Row, ...] = (
    # ids, state, permission, allowance
    ("12019008 12052030 12052031", R, "The product id is not valid", _REFRESH),
    ("12019150 12052032 12052260", M, "The product does not exist on TikTok Shop", _REFRESH),
    ("12009014 12019114 12052034 12052048", R, "The product belongs to another shop or account", _REFRESH),
    ("12019112 12052704", N, "The seller does not exist", _RECONNECT),
    ("12019120 12019015", R, "Too many products or SKUs in one call", _BUG),
    ("12019113 12052901", C, "The product's status does not allow this", _REFRESH),
    ("12052547", C, "The product has no version under review", _REFRESH),
    ("12052332 12052308 12052371", C, "The product is locked (integration, appeal or auction)", _SELLER_CENTER),
    ("12052700 12052703 12052419 12052923", N, "The seller's set-up is not finished", _SELLER_CENTER),
    ("12052701", N, "A cross-border seller cannot create local products directly", _SELLER_CENTER),
    ("12019215 12052585", N, "The deposit balance is too low", _SELLER_CENTER),
    ("12052994 12052995", N, "The seller is not set up for Tokopedia", _SELLER_CENTER),
    ("12052093 12052109", Kind.ALLOWANCE, "The Shop's allowance of new listings is used up for today",
     "The product is sent when the allowance starts anew."),
    ("12052487 12052990", R, "TikTok Shop's check failed", "Correct what it names, then send again."),
    ("12052488 12052922 12052603 12052604", R, "This change is not possible now", _SELLER_CENTER),
    # title, description, text
    ("12052261", R, "The title is empty", _TITLE),
    ("12052051", R, "The title is too long", _TITLE),
    ("12052262 12052266", R, "The title has characters of another language", _TITLE),
    ("12052263 12052931", R, "The title breaks TikTok Shop's formatting rules", _TITLE),
    ("12019006 12052015", R, "The description is missing or not valid", _DESCRIPTION),
    ("12052013", R, "The description is too long", _DESCRIPTION),
    ("12052056", R, "The description has too many pictures", _DESCRIPTION),
    ("12052344 12052345 12052348 12052349 12052350 12052352", R,
     "The description's HTML is not accepted", _DESCRIPTION),
    ("12052346 12052351", R, "The description has characters of another language", _DESCRIPTION),
    ("12052932", R, "The description breaks TikTok Shop's formatting rules", _DESCRIPTION),
    ("12052324 12052343 12052340 12052341 12052342", R, "A picture in the description is not accepted", _DESCRIPTION),
    ("12052151 12052152 12052153", R, "A text has restricted words", _ATTRIBUTES),
    ("12052933 12052934", R, "A variant's name breaks TikTok Shop's formatting rules", _VARIANTS),
    ("12052935", R, "An attribute's value breaks TikTok Shop's formatting rules", _ATTRIBUTES),
    ("12052235 12052236 12052237 12052238", R, "A web address is not accepted", "Correct the address in the store."),
    ("12052369 12052996", R, "The external id is too long or used twice", _SKU),
    # category, brand, attributes, qualifications
    ("12052002 12052023 12052025", R, "The category does not exist", _CATEGORY),
    ("12052024", R, "The category is not a leaf category", _CATEGORY),
    ("12052158", R, "The category of this product cannot be changed", "Delete the listing and send the product again."),
    ("12052217 12052230", R, "The category is of another version than V2", _CATEGORY),
    ("12052220 12052446", R, "The category is prohibited in this market", _CATEGORY),
    ("12052221 12052223 12052226 12052227", N, "The category is restricted and the Shop is not admitted to it",
     "Apply in Seller Center's Qualification Center, or choose another category under Mappings, Categories."),
    ("12052225", N, "The category is outside the Shop's main category", _CATEGORY),
    ("12052222", R, "The category does not allow cash on delivery", _CATEGORY),
    ("12019064 12052912", M, "TikTok Shop recommends no category for this title", _CATEGORY),
    ("12019013 12052026", R, "The brand does not exist on TikTok Shop", _BRAND),
    ("12052200 12052201 12052207 12052208", R, "The Shop is not authorised to use the brand", _BRAND),
    ("12052104 12052182", R, "A required attribute is missing",
     "Give the product a value for it under Mappings, Attributes."),
    ("12052183 12052240 12052241 12052242 12052243 12052244 12052245 12052246 12052247 12052248 12052249 12052250 "
     "12052251 12052253 12052254 12052256 12052529", R, "An attribute is not accepted", _ATTRIBUTES),
    ("12052105 12052385 12052650 12052655 12052656 12052657 12052658", R,
     "A required qualification is missing or not accepted", "Add the certificate under Mappings, Categories."),
    ("12052128 12052670 12052671 12052673", R, "The size chart is missing or not accepted", _CATEGORY),
    ("12052216 12052282 12052283 12052284 12052285 12052295 12052365", R,
     "The manufacturer is missing or not accepted", _SELLER_CENTER),
    ("12052287 12052288 12052289 12052290 12052296 12052366", R,
     "The responsible person is missing or not accepted", _SELLER_CENTER),
    # pictures and video
    ("12052028", R, "The product has no main picture", "Add a picture in the store."),
    ("12019009 12052306", R, "The product has too many pictures, or none that is valid", _PICTURES),
    ("12052300 12052722", R, "TikTok Shop does not know a picture", "Send again: the pictures are uploaded anew."),
    ("12052301 12052302 12052304 12052305 12038014 12019116", R,
     "A picture's size or shape is not accepted", _PICTURES),
    ("12038002 12038004 12038005 12038015", R, "A picture's file is not accepted", _PICTURES),
    ("12052520 12052521 12052522 12052523 12052524", R, "A variant's picture is not accepted", _PICTURES),
    ("12052528", R, "Only one kind of variation may have pictures", _VARIANTS),
    ("12052356 12052357", R, "A variant has too many pictures", _PICTURES),
    ("12052360 12019122", R, "The video is not accepted", "Replace the video in the store."),
    ("12019103 12019104 12019105", R, "The file is not accepted", "Replace the file in the store."),
    # SKUs, price, stock, warehouse, package
    ("12052902", R, "The product has no variants", _VARIANTS),
    ("12052050 12052558", R, "The product has too many variants", _VARIANTS),
    ("12052036 12052553 12052557", C, "A SKU is not part of the listing", _REFRESH),
    ("12019056 12019057 12052307", R, "A SKU may not be added or deleted now", _SELLER_CENTER),
    ("12019059 12052054 12052554", R, "A seller SKU is not accepted", _SKU),
    ("12019019 12052525 12052526 12052527 12052550 12052559 12052560", R, "The variations are not accepted", _VARIANTS),
    ("12052012 12052073 12052092 12052424 12052570 12052571 12052572", R, "A price is not accepted", _PRICE),
    ("12052084", R, "The Shop does not sell in this currency", _PRICE),
    ("12019045 12052038", C, "The price is locked by a promotion", "End the promotion, or wait until it is over."),
    ("12052375 12052376 12052383", R, "A list price is not accepted", _PRICE),
    ("12052361 12052362 12052574", R, "The unit price is not accepted", _VARIANTS),
    ("12019024 12052037 12052055 12052486", R, "A stock quantity is not accepted", _STOCK),
    ("12052393 12052921", C, "The stock is locked by a promotion or shared with another shop", _SELLER_CENTER),
    ("12019022 12052096", R, "A SKU has no valid warehouse", _WAREHOUSE),
    ("12019028", C, "All warehouses of a SKU have to be named", _REFRESH),
    ("12052094", N, "The Shop may not use several warehouses", _WAREHOUSE),
    ("12052097 12052530 12052531 12052532 12052533 12052534 12052555", N, "The warehouse cannot be used", _WAREHOUSE),
    ("12052115 12052535", N, "The Shop has no warehouse or no return warehouse",
     "Add a sales and a return warehouse in Seller Center."),
    ("12052144", R, "The stock is kept by TikTok and cannot be set here", _SELLER_CENTER),
    ("12052364 12052402 12052403 12052404 12052405 12052420 12052549", N,
     "The delivery service or shipping template does not suit", _SELLER_CENTER),
    ("12052309 12052310 12052311 12052312 12052313 12052490", R, "Backorders are not accepted", _SELLER_CENTER),
    ("12052003 12052004 12052005 12052006 12019011 12019012 12052116 12052181", R,
     "The weight or size of the package is not accepted", _PACKAGE),
    ("12019060 12019061 12052915 12052916", R, "The unit of the weight or size is not accepted", _PACKAGE),
    ("12052291 12052292 12052293 12052294 12052591 12052592 12052593 12052598 12052600", R,
     "The identifier code (GTIN, EAN, UPC, ISBN) is not accepted", _IDENTIFIER),
    ("12052495 12052497 12052498 12052543", R, "The deposit (Pfand) is not accepted", _SELLER_CENTER),
    ("12052706 12052707", R, "The minimum order quantity is not accepted", _SELLER_CENTER),
    ("12052316 12052330 12052358 12052382", R, "The platform does not take this product", _SELLER_CENTER),
    # searches
    ("12019027 12019087 12019109 12019118 12019119 12019123 12052180", R,
     "TikTok Shop did not accept the search", _BUG),
    ("12019210", R, "TikTok Shop could not list its categories", _BUG),
)  # fmt: skip

ORDERS: tuple[Row, ...] = (
    ("10002014 10002015 10006402 10037002 10037003 10037004", Kind.INTERNAL, "TikTok Shop could not read its orders",
     ""),
    ("21001003 11001027", Kind.INTERNAL, "TikTok Shop took too long", ""),
    ("21001001 21011005 11001002", R, "TikTok Shop did not accept a value of the request", _BUG),
    ("21008111", M, "The order is not one of this Shop", "Check which Shop it was placed in."),
    ("36020001", R, "The order id of a reference is not valid", _BUG),
)  # fmt: skip


def _by_code(*tables: tuple[Row, ...]) -> dict[str, Row]:
    return {code: row for table in tables for row in table for code in row[0].split()}


API_CODES = _by_code(GATEWAY, PRODUCTS, ORDERS)
AUTH_CODES = _by_code(AUTH_HOST)
