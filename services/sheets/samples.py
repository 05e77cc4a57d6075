"""A small file of each kind, from which a person sees what a file looks like."""

from __future__ import annotations

from collections.abc import Mapping

from models.imports import ImportKind

SAMPLES: Mapping[ImportKind, str] = {
    "properties": (
        "id,name,address,area,timezone\r\n"
        'harbour-28,Harbour House,"Quay Street 28, 1010 Sampletown",harbour,Europe/Copenhagen\r\n'
        'harbour-30,Harbour Lodge,"Quay Street 30, 1010 Sampletown",harbour,Europe/Copenhagen\r\n'
    ),
    "technicians": (
        "id,name,timezone,areas,skills,working_hours\r\n"
        'bob,Bob Example,Europe/Copenhagen,"[""harbour""]","[""heating"", ""locks""]",'
        '"{""mon"": [[""08:00"", ""16:00""]], ""tue"": [[""08:00"", ""16:00""]]}"\r\n'
        "dana,Dana Example,Europe/Copenhagen,,,\r\n"
    ),
    "services": (
        "id,name,duration_minutes,buffer_before_minutes,buffer_after_minutes,skill,price_text,public\r\n"
        "boiler-check,Boiler check,90,15,15,heating,From 120 euros,true\r\n"
        "lock-change,New lock,60,0,0,locks,,false\r\n"
    ),
    "bookings": (
        "reference,property_id,technician_id,start,duration_minutes,customer_name,customer_phone,description\r\n"
        "order-1001,harbour-28,bob,2026-12-07T09:00:00+01:00,90,Alice Example,+45 20 12 34 56,The boiler hums.\r\n"
        "order-1002,harbour-30,dana,2026-12-07T13:00:00+01:00,60,Carl Example,,\r\n"
    ),
}
