"""What browsers do with a `Set-Cookie` header, by the text of RFC 6265bis (sections 4.1.3, 5.6 and 5.7).

Django has nothing that says it. This reads what Django writes, so it shares nothing with the cookie that core asks about.
"""

LARGEST = 4096
LARGEST_ATTRIBUTE = 1024
LONGEST_AGE = 400 * 86_400
BLANKS = " \t"


def taken(header):
    """Name, value, and the attributes of which notice is taken, by their names in lower case; the last of each counts."""
    pair, *rest = header.split(";")
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = "", pair
    attributes, overlong = {}, False
    for part in rest:
        word, _, text = part.partition("=")
        text = text.strip(BLANKS)
        if len(text.encode("latin-1")) > LARGEST_ATTRIBUTE:
            overlong = True
        else:
            attributes[word.strip(BLANKS).lower()] = text
    return name.strip(BLANKS), value.strip(BLANKS), attributes, overlong


def refusals(header):
    """Why it is not kept as it stands, the gravest first."""
    name, value, attributes, overlong = taken(header)
    secure = "secure" in attributes
    prefix = name.lower()
    if len(name.encode("latin-1")) + len(value.encode("latin-1")) > LARGEST:
        yield "too large"
    if overlong:
        yield "attribute too large"
    age = attributes.get("max-age", "")
    if age.isdecimal() and int(age) > LONGEST_AGE:
        yield "too long"
    host_only = attributes.get("domain", "") == ""
    if prefix.startswith("__host-") and not (secure and host_only and attributes.get("path") == "/"):
        yield "host prefix"
    if prefix.startswith("__secure-") and not secure:
        yield "secure prefix"
    if attributes.get("samesite", "").lower() == "none" and not secure:
        yield "none without secure"
